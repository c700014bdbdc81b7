import type { TokenizedPair } from "../data/pair.ts";
import type { Evaluation } from "./evaluation.ts";
import { pairItemSet, pairMetrics, pairPreferences } from "./pair_preferences.ts";
import { type ReplyScorer, scoreBothReplies } from "./score_pairs.ts";

/** A reference's summed log-probs (nats) of a pair; a row of a `logps` artifact. */
export interface ReferenceLogps {
  readonly id: string;
  readonly chosenLogp: number;
  /** null for demonstrations. */
  readonly rejectedLogp: number | null;
}

/** What measuring a policy on held-out pairs needs. */
interface PairMeasurement {
  /** null for the reference itself, whose log-probs are there. */
  readonly score: ReplyScorer | null;
  readonly pairs: readonly TokenizedPair[];
  /** One a pair, in the order of the pairs. */
  readonly reference: readonly ReferenceLogps[];
}

/**
 * Evaluates a policy by what it prefers on held-out pairs, which needs no judge: preference accuracy,
 * margins, log-probs and their change, negative log-prob a token.
 *
 * @throws RangeError when the reference's rows are not those of the pairs
 */
export async function measurePairs(request: PairMeasurement): Promise<Evaluation> {
  const { pairs } = request;
  const reference = referenceOf(pairs, request.reference);
  const policy = request.score === null ? reference : await scoreBothReplies(request.score, pairs);
  const preferences = pairPreferences({
    policyChosen: policy.chosen,
    policyRejected: policy.rejected,
    referenceChosen: reference.chosen,
    referenceRejected: reference.rejected,
  });
  return {
    itemSets: { pairs: pairItemSet(pairs) },
    metrics: pairMetrics(pairs, preferences, "pairs"),
    examples: [],
  };
}

/** The reference's log-probs as two lists, after a check that they belong to the pairs. */
export function referenceOf(
  pairs: readonly TokenizedPair[],
  rows: readonly ReferenceLogps[],
): { chosen: number[]; rejected: number[] } {
  if (rows.length !== pairs.length) {
    throw new RangeError(
      `Expected reference log-probs of ${pairs.length} pairs but found ${rows.length}.`,
    );
  }
  const rejected = rows.map(({ id, rejectedLogp }, i) => {
    if (id !== pairs[i].id) {
      throw new RangeError(
        `Expected reference log-probs of pair "${pairs[i].id}" but found those of "${id}".`,
      );
    }
    if (rejectedLogp === null) {
      throw new RangeError(`Expected a rejected log-prob of pair "${id}" but found none.`);
    }
    return rejectedLogp;
  });
  return { chosen: rows.map(({ chosenLogp }) => chosenLogp), rejected };
}
