import { messagesOf, type Prompt } from "../data/pair.ts";
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

/**
 * Holds conversations: each turn is shown all that was said before it, the model's own replies included.
 *
 * @returns the turns of each conversation, in order
 * @throws InputError as `replyToPrompts` does
 */
export async function converse(
  model: ReplyingModel,
  { conversations, onProgress, ...request }: Omit<ReplyRequest, "prompts" | "samples"> & {
    readonly conversations: readonly Conversation[];
  },
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
  { id, opening, followUps }: Conversation,
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
