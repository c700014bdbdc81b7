import { nearest, refuseProblems } from "../core/problem.ts";
import { messagesOf, type Prompt } from "../data/pair.ts";
import { type Decoding, isByCategory } from "./reply_tokens.ts";
import {
  type RepliedPrompt,
  type ReplyingModel,
  type ReplyRequest,
  replyToPrompts,
  type TextReply,
} from "./reply_to_prompts.ts";

/** What a user says to a model, whatever it answers. */
export interface Conversation {
  /** Names it in messages, and its stream of random numbers. */
  readonly id: string;
  readonly opening: Prompt;
  /** Null where there is none. */
  readonly category: string | null;
  /** What the user says after each reply, turn by turn. */
  readonly followUps: readonly string[];
}

/** One turn of a conversation. */
export interface AnsweredTurn extends Omit<RepliedPrompt, "replies"> {
  /** The conversation's id; from its second turn on with the turn's number. */
  readonly id: string;
  /** All that was said before the reply. */
  readonly prompt: Prompt;
  readonly reply: TextReply;
}

/** Conversations, and how replies to them are chosen. */
interface ConverseRequest extends Omit<ReplyRequest, "prompts" | "samples" | "decoding"> {
  readonly conversations: readonly Conversation[];
  readonly decoding: Decoding;
}

/**
 * Holds conversations: each turn is shown all that was said before it, the model's own replies included.
 *
 * @returns the turns of each conversation, in order
 * @throws InputError as `replyToPrompts` does, and for categories that have no way to be answered
 */
export async function converse(
  model: ReplyingModel,
  { decoding, onProgress, ...request }: ConverseRequest,
): Promise<AnsweredTurn[][]> {
  if (!isByCategory(decoding)) return await hold(model, { ...request, decoding, onProgress });
  const { byCategory } = decoding;
  const { conversations } = request;
  requireCategories(conversations, Object.keys(byCategory));
  const wayOf = (at: number) => JSON.stringify(byCategory[conversations[at].category!]);
  const turns: AnsweredTurn[][] = conversations.map(() => []);
  let before = 0;
  // A reply does not hang on what is answered beside it, so that those of one way go together.
  for (const places of Map.groupBy(conversations.keys(), wayOf).values()) {
    let done = 0;
    const held = await hold(model, {
      ...request,
      conversations: places.map((at) => conversations[at]),
      decoding: byCategory[conversations[places[0]].category!],
      onProgress: (count) => onProgress?.(before + (done = count)),
    });
    held.forEach((own, i) => turns[places[i]] = own);
    before += done;
  }
  return turns;
}

function requireCategories(conversations: readonly Conversation[], known: string[]): void {
  const found = [...new Set(conversations.map(({ category }) => category))];
  refuseProblems(
    found.filter((category) => category === null || !known.includes(category)).map((category) => ({
      path: "temperatures",
      message:
        `Expected a temperature for the category ${JSON.stringify(category)} but found those ` +
        `of ${known.join(", ")}.`,
      nearest: category === null ? undefined : nearest(category, known),
    })),
  );
}

async function hold(
  model: ReplyingModel,
  { conversations, onProgress, ...request }: ConverseRequest & Pick<ReplyRequest, "decoding">,
): Promise<AnsweredTurn[][]> {
  const turns: AnsweredTurn[][] = conversations.map(() => []);
  for (let done = 0, turn = 1;; turn++) {
    const asked = conversations.flatMap((conversation, at) =>
      turn <= 1 + conversation.followUps.length
        ? [{ at, ...nextPrompt(conversation, turns[at]) }]
        : []
    );
    if (asked.length === 0) return turns;
    const before = done;
    const replied = await replyToPrompts(model, {
      ...request,
      prompts: asked,
      samples: 1,
      onProgress: (more) => onProgress?.(before + more),
    });
    asked.forEach(({ at, id, prompt }, i) => {
      const { replies: [reply], ...read } = replied[i];
      turns[at].push({ id, prompt, reply, ...read });
    });
    done += asked.length;
  }
}

function nextPrompt(
  { id, opening, followUps }: Omit<Conversation, "category">,
  before: readonly AnsweredTurn[],
): { id: string; prompt: Prompt } {
  const last = before.at(-1);
  if (last === undefined) return { id, prompt: opening };
  return {
    id: `${id}, turn ${before.length + 1}`,
    prompt: [
      ...messagesOf(last.prompt),
      { role: "assistant", content: last.reply.text },
      { role: "user", content: followUps[before.length - 1] },
    ],
  };
}
