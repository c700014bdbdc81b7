import { InputError } from "../core/problem.ts";
import type { ChatTemplate } from "../data/tokenizer/chat_template.ts";
import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";

/**
 * Why a reply looks as if its writer did not know where to stop: cut for want of an end token, ending
 * in the same words over and over, or going on in another's role.
 */
export type RunOnSign = typeof RUN_ON_SIGNS[number];

const RUN_ON_SIGNS = ["no end token", "repetition", "another turn"] as const;

/** Times that a text must stand at the end, one after the other, to be a repetition. */
const REPEATS = 4;

/** Characters that they must come to together: a row of dashes under a heading is none. */
const REPEATED_CHARACTERS = 80;

/** Characters of a reply's end that are looked at, and so the longest repetition that is seen. */
const LOOKED_AT = 2000;

/** Texts that no template changes or trims, to be found again in what it renders. */
const PROBES = ["ballast-probe-1", "ballast-probe-2", "ballast-probe-3"] as const;

/**
 * How the tokenizer's chat template opens the turns of user and assistant, such as
 * `<|im_start|>user`: the last line before what each says, without an end token. A line of nothing but
 * a word is left out, since a reply may well hold that.
 */
export function turnHeaders({ chatTemplate, specialTokens }: Tokenizer): string[] {
  const [question, answer, next] = PROBES;
  const text = chatTemplate === null ? null : renderedProbes(chatTemplate);
  if (text === null) return [];
  const between = (from: string, to: string) =>
    text.slice(text.indexOf(from) + from.length, text.indexOf(to));
  const headers = [between(question, answer), between(answer, next)].map((gap) => {
    const line = gap.trim().split("\n").at(-1)!.trim();
    // What closes a turn stands first where both are in one line; a header that is left may be one too.
    const closing = specialTokens.find((token) => line.startsWith(token) && line !== token);
    const opened = closing === undefined ? line : line.slice(closing.length);
    return specialTokens.some((token) => opened.includes(token)) ? opened : line;
  });
  return [...new Set(headers)].filter((header) => /[^\s\w]/.test(header));
}

/** A conversation of the probes; null when the template refuses it, which it may. */
function renderedProbes(template: ChatTemplate): string | null {
  const roles = ["user", "assistant", "user"] as const;
  const messages = roles.map((role, i) => ({ role, content: PROBES[i] }));
  try {
    return template.render(messages, { addGenerationPrompt: false });
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/**
 * What makes a reply look like a run-on; nothing for most.
 *
 * @param reply `text` with special tokens, which headers are made of
 * @param headers as `turnHeaders` gives them
 */
export function runOnSigns(
  reply: { readonly text: string; readonly stop: "end" | "length" },
  headers: readonly string[],
): RunOnSign[] {
  const signs: RunOnSign[] = [];
  if (reply.stop === "length") signs.push("no end token");
  if (endsInRepetition(reply.text)) signs.push("repetition");
  if (headers.some((header) => reply.text.includes(header))) signs.push("another turn");
  return signs;
}

/** Whether a text ends in one piece of text several times in a row, blanks at the very end aside. */
function endsInRepetition(text: string): boolean {
  const end = text.trimEnd().slice(-LOOKED_AT);
  const blanks = text.length - text.trimEnd().length;
  const most = Math.floor((end.length + blanks) / REPEATS);
  for (let period = 1; period <= most; period++) {
    const enough = Math.max(period * REPEATS - blanks, REPEATED_CHARACTERS);
    const isSame = (at: number) => end[end.length - 1 - at] === end[end.length - 1 - at + period];
    let same = period;
    while (same < enough && same < end.length && isSame(same)) same++;
    if (same >= enough) return true;
  }
  return false;
}

/** Replies as they are counted: under which id, and what speaks against them. */
interface Signed {
  readonly id: string;
  readonly runOn: readonly RunOnSign[];
}

/** Ids that a sentence names at most. */
const NAMED = 5;

/** How many replies run on, why and which, as a sentence; null for none. */
export function describeRunOns(replies: readonly Signed[]): string | null {
  const found = replies.filter(({ runOn }) => runOn.length > 0);
  if (found.length === 0) return null;
  const counts = RUN_ON_SIGNS.flatMap((sign) => {
    const ids = found.filter(({ runOn }) => runOn.includes(sign)).map(({ id }) => id);
    if (ids.length === 0) return [];
    const named = ids.slice(0, NAMED).join(", ") + (ids.length > NAMED ? ", …" : "");
    return [`${sign} ${ids.length} (${named})`];
  });
  return `${found.length} of ${replies.length} replies run on: ${counts.join("; ")}`;
}
