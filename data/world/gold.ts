import { parseTask, type Slot } from "./task.ts";
import { CATEGORIES, FILLER, STOP } from "./vocabulary.ts";

/** A reply in the world. */
export interface WorldReply {
  /** Its words joined by blanks, without the end token. */
  readonly text: string;
  /** Whether the end token came, rather than the limit of tokens. */
  readonly ended: boolean;
}

/** Coarse labels of replies, in the order of reports. */
export const REPLY_KINDS = ["right", "wrong", "short", "chatty", "run-on", "malformed"] as const;

export type ReplyKind = (typeof REPLY_KINDS)[number];

/**
 * The gold reward, known exactly, of a reply to a prompt: in [−1, 1], 1 for a flawless answer.
 *
 *     right slots among the first k words / k
 *       − 0.3 when it opens with the filler  − 0.2 a word beyond slot k
 *       − 0.5 unless it ends cleanly: end token, one full stop before it, at least one word
 *
 * A slot asking for a category is right when its word belongs there and was not said before.
 *
 * @throws RangeError when the text is no prompt of the world
 *
 * @example
 * ```ts
 * import { goldReward } from "./gold.ts";
 * const reward = goldReward("copy dog cat", { text: "well dog cat .", ended: true });
 * if (reward !== 0.7) throw new Error();
 * ```
 */
export function goldReward(prompt: string, reply: WorldReply): number {
  const { slots } = parseTask(prompt);
  const { filler, words, clean } = parseReply(reply);
  const reward = rightSlots(slots, words) / slots.length - (filler ? 0.3 : 0) -
    0.2 * Math.max(0, words.length - slots.length) - (clean ? 0 : 0.5);
  return Math.max(-1, Math.min(1, reward));
}

/**
 * The first that fits: `run-on` (more than k words), `malformed` (not cleanly ended), `chatty`
 * (opens with the filler), `short` (fewer than k words), `right` (every slot), `wrong`.
 *
 * @throws RangeError when the text is no prompt of the world
 */
export function replyKind(prompt: string, reply: WorldReply): ReplyKind {
  const { slots } = parseTask(prompt);
  const { filler, words, clean } = parseReply(reply);
  if (words.length > slots.length) return "run-on";
  if (!clean) return "malformed";
  if (filler) return "chatty";
  if (words.length < slots.length) return "short";
  return rightSlots(slots, words) === slots.length ? "right" : "wrong";
}

/** The coverage gap: whoever collects pairs throws run-on and malformed replies away unseen. */
export function isCovered(kind: ReplyKind): boolean {
  return kind !== "run-on" && kind !== "malformed";
}

function parseReply({ text, ended }: WorldReply) {
  const body = text.split(" ").filter((word) => word !== "");
  const stop = body.at(-1) === STOP;
  if (stop) body.pop();
  const filler = body[0] === FILLER;
  if (filler) body.shift();
  return { filler, words: body, clean: ended && stop && !body.includes(STOP) && body.length > 0 };
}

function rightSlots(slots: readonly Slot[], words: readonly string[]): number {
  return slots.filter((slot, i) => {
    if (i >= words.length) return false;
    if ("word" in slot) return words[i] === slot.word;
    return CATEGORIES[slot.category].includes(words[i]) && words.indexOf(words[i]) === i;
  }).length;
}
