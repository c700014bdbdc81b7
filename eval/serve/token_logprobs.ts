import { ExpectedError } from "../../core/problem.ts";
import type { LogitRow } from "../next_token.ts";

/** A token with its log-probability (nats). */
export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

/** A token of a text with those that were likeliest in its place. */
export interface ScoredToken extends TokenLogprob {
  /** The likeliest first, of equal ones the lowest id; the token itself only if it is one of them. */
  readonly top: readonly TokenLogprob[];
}

/**
 * The log-probability of a token under a row of logits, summed in float64, and the `top` likeliest.
 * It is the model's own: neither temperature nor top-p is in it.
 *
 * @throws ExpectedError when the row has no finite sum
 */
export function scoreToken(row: LogitRow, token: number, top: number): ScoredToken {
  const { logits, vocabSize } = row;
  const start = row.row * vocabSize;
  const best = likeliest(row, Math.max(1, top));
  const highest = logits[start + best[0]];
  let sum = 0;
  for (let i = start; i < start + vocabSize; i++) sum += Math.exp(logits[i] - highest);
  const normaliser = highest + Math.log(sum);
  if (!Number.isFinite(normaliser)) {
    throw new ExpectedError(
      "The model gives logits that are no numbers; its weights have diverged.",
    );
  }
  const scored = (id: number) => ({ token: id, logprob: logits[start + id] - normaliser });
  return { ...scored(token), top: best.slice(0, top).map(scored) };
}

/** Ids of the `count` highest logits of a row, in falling order. */
function likeliest({ logits, row, vocabSize }: LogitRow, count: number): number[] {
  const start = row * vocabSize;
  const best: number[] = [];
  for (let id = 0; id < vocabSize; id++) {
    const logit = logits[start + id];
    if (best.length === count && !(logit > logits[start + best[count - 1]])) continue;
    let place = best.length;
    while (place > 0 && logit > logits[start + best[place - 1]]) place--;
    best.splice(place, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
}
