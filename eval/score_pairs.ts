import { requirePrompts, type TokenIds, type TokenizedPair } from "../data/pair.ts";
import { rejectedTokens } from "./pair_preferences.ts";

/** A prompt and the reply whose log-prob is asked for, as token ids. */
export interface PromptReply {
  readonly prompt: TokenIds;
  readonly reply: TokenIds;
}

/** A model as a scorer: the summed log-prob (nats) of each reply given its prompt. */
export type ReplyScorer = (sequences: readonly PromptReply[]) => Promise<ArrayLike<number>>;

/** Summed log-probs (nats) of both replies of each pair (N) under one model. */
interface ScoredPairs {
  readonly chosen: number[];
  readonly rejected: number[];
}

/**
 * Scores both replies of each pair in one call, chosen before rejected, as a `logps` artifact was made:
 * equal batches give equal bits, so the reference has margins of exactly 0 against itself.
 *
 * @throws InputError for pairs with an empty prompt
 */
export async function scoreBothReplies(
  score: ReplyScorer,
  pairs: readonly TokenizedPair[],
): Promise<ScoredPairs> {
  requirePrompts(pairs);
  const logps = await score(pairs.flatMap((pair) => [
    { prompt: pair.prompt, reply: pair.chosen },
    { prompt: pair.prompt, reply: rejectedTokens(pair) },
  ]));
  return {
    chosen: pairs.map((_, i) => logps[2 * i]),
    rejected: pairs.map((_, i) => logps[2 * i + 1]),
  };
}
