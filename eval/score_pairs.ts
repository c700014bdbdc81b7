import type { TokenizedPair } from "../data/pair.ts";
import { rejectedTokens } from "./pair_preferences.ts";

/** A reply and the prompt that it follows, as token ids. */
export interface PromptReply {
  readonly prompt: Int32Array;
  readonly reply: Int32Array;
}

/** A model as a scorer: the summed log-prob (nats) of each reply given its prompt. */
export type ReplyScorer = (sequences: readonly PromptReply[]) => Promise<ArrayLike<number>>;

/** Summed log-probs (nats) of both replies of each pair (N) under one model. */
export interface ScoredPairs {
  readonly chosen: number[];
  readonly rejected: number[];
}

/** Scores both replies of each pair, all in one call. */
export async function scoreBothReplies(
  score: ReplyScorer,
  pairs: readonly TokenizedPair[],
): Promise<ScoredPairs> {
  const logps = await score([
    ...pairs.map(({ prompt, chosen }) => ({ prompt, reply: chosen })),
    ...pairs.map((pair) => ({ prompt: pair.prompt, reply: rejectedTokens(pair) })),
  ]);
  const all = Array.from(logps);
  return { chosen: all.slice(0, pairs.length), rejected: all.slice(pairs.length) };
}
