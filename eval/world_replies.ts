import { messagesOf } from "../data/pair.ts";
import { goldReward, isCovered, type ReplyKind, replyKind } from "../data/world/gold.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import { generate, type GenerationPrompt, type GenerationRequest, type Reply } from "./generate.ts";
import type { ReplyRow } from "./reply_rows.ts";
import { runOnSigns } from "./run_ons.ts";

/** A prompt of the synthetic world, as text and as the model reads it. */
export interface WorldPrompt extends GenerationPrompt {
  readonly prompt: string;
}

/** A reply with what the world thinks of it. */
export interface JudgedReply extends Reply {
  /** Its words, without the end token. */
  readonly text: string;
  readonly gold: number;
  readonly kind: ReplyKind;
  /** Whether a collector of pairs would keep it. */
  readonly covered: boolean;
}

/** How replies are generated and read. */
export interface WorldDecoding extends Omit<GenerationRequest, "prompts" | "samples"> {
  readonly prompts: readonly WorldPrompt[];
  /** Replies a prompt; 1 unless told. */
  readonly samples?: number;
  /** Text of the tokens before the end token, special tokens written out: they are wrong words. */
  readonly decode: (tokens: Int32Array) => string;
}

/**
 * Replies to prompts of the world, judged by the gold reward.
 *
 * @returns for each prompt, in order, its replies
 */
export async function generateJudged(
  decoder: TokenDecoder,
  request: WorldDecoding,
): Promise<JudgedReply[][]> {
  const { prompts, samples = 1, decode } = request;
  const replies = await generate(decoder, { ...request, samples });
  return replies.map((list, i) => list.map((reply) => judge(prompts[i].prompt, reply, decode)));
}

function judge(
  prompt: string,
  reply: Reply,
  decode: (tokens: Int32Array) => string,
): JudgedReply {
  const ended = reply.stop === "end";
  const text = decode(ended ? reply.tokens.subarray(0, -1) : reply.tokens);
  const kind = replyKind(prompt, { text, ended });
  const gold = goldReward(prompt, { text, ended });
  return { ...reply, text, gold, kind, covered: isCovered(kind) };
}

/** Replies as other stages read them: one a prompt, special tokens written out in their text. */
export function replyRows(
  prompts: readonly WorldPrompt[],
  replies: readonly JudgedReply[],
): ReplyRow[] {
  return prompts.map(({ id, prompt, tokens: promptTokens }, i) => {
    const { text, stop, tokens } = replies[i];
    return {
      id,
      prompt: messagesOf(prompt),
      text,
      stop,
      runOn: runOnSigns({ text, stop }, []),
      tokens: tokens.length,
      promptTokens: promptTokens.length,
      chosen: null,
    };
  });
}
