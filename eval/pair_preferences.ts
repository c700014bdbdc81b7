import { sha256 } from "../core/digest.ts";
import type { TokenIds, TokenizedPair } from "../data/pair.ts";
import type { ItemSet, MetricValues } from "./evaluation.ts";
import type { MetricName } from "./metrics.ts";

/** Summed reply log-probs (nats) of pairs, N of each, under the policy and the reference. */
export interface PairLogps {
  readonly policyChosen: ArrayLike<number>;
  readonly policyRejected: ArrayLike<number>;
  readonly referenceChosen: ArrayLike<number>;
  readonly referenceRejected: ArrayLike<number>;
}

/** What a policy prefers, pair by pair (N). */
export interface PairPreferences {
  /** 100 where the margin is above 0, 50 where it is 0, 0 below. */
  readonly accuracy: number[];
  /** (log π − log π_ref)(chosen) − (log π − log π_ref)(rejected), nats. */
  readonly margin: number[];
  readonly chosenLogp: number[];
  readonly rejectedLogp: number[];
  readonly chosenLogpChange: number[];
  readonly rejectedLogpChange: number[];
}

/**
 * Margins and accuracies of the implicit reward β log(π/π_ref) of DPO (Rafailov et al., 2023,
 * section 5.1), without the factor β, which changes no sign.
 *
 * @throws RangeError when the four lists differ in length, or a margin is not a number
 *
 * @example
 * ```ts
 * import { pairPreferences } from "./pair_preferences.ts";
 * const { margin, accuracy } = pairPreferences({
 *   policyChosen: [-3],
 *   policyRejected: [-9],
 *   referenceChosen: [-4],
 *   referenceRejected: [-8],
 * });
 * if (margin[0] !== 2 || accuracy[0] !== 100) throw new Error();
 * ```
 */
export function pairPreferences(logps: PairLogps): PairPreferences {
  const { policyChosen, policyRejected, referenceChosen, referenceRejected } = logps;
  const lengths = Object.values(logps).map((list: ArrayLike<number>) => list.length);
  if (new Set(lengths).size !== 1) {
    throw new RangeError(
      `Expected log-probs of the same pairs but found lists of ${lengths.join(", ")}.`,
    );
  }
  const change = (policy: ArrayLike<number>, reference: ArrayLike<number>) =>
    Array.from(policy, (logp, i) => logp - reference[i]);
  const chosenLogpChange = change(policyChosen, referenceChosen);
  const rejectedLogpChange = change(policyRejected, referenceRejected);
  const margin = change(chosenLogpChange, rejectedLogpChange);
  const unknown = margin.findIndex(Number.isNaN);
  if (unknown >= 0) {
    const found = Object.entries(logps).map(([name, list]) => `${name} ${list[unknown]}`);
    throw new RangeError(
      `Expected the margin of pair ${unknown} to be a number but found ${found.join(", ")}.`,
    );
  }
  return {
    accuracy: margin.map((value) => value > 0 ? 100 : value < 0 ? 0 : 50),
    margin,
    chosenLogp: Array.from(policyChosen),
    rejectedLogp: Array.from(policyRejected),
    chosenLogpChange,
    rejectedLogpChange,
  };
}

/** The metrics of held-out pairs, with the negative log-prob a token of each reply. */
export function pairMetrics(
  pairs: readonly TokenizedPair[],
  preferences: PairPreferences,
  over: string,
): Partial<Record<MetricName, MetricValues>> {
  const perToken = (logps: readonly number[], reply: (pair: TokenizedPair) => TokenIds) =>
    logps.map((logp, i) => -logp / Math.max(1, reply(pairs[i]).length));
  const values = {
    ...preferences,
    chosenNll: perToken(preferences.chosenLogp, ({ chosen }) => chosen),
    rejectedNll: perToken(preferences.rejectedLogp, rejectedTokens),
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, list]) => [name, { over, values: list }]),
  );
}

/** Pairs as items; pairs of one prompt are one cluster. */
export function pairItemSet(pairs: readonly TokenizedPair[]): ItemSet {
  return {
    items: pairs.map(({ id }) => id),
    clusters: pairs.map(({ prompt }) => clusterId(prompt.join(" "))),
  };
}

/** A short name for a prompt, equal for equal prompts wherever they come. */
export function clusterId(prompt: string): string {
  return sha256(prompt).slice(0, 12);
}

/** @throws RangeError for a demonstration, which has no rejected reply */
export function rejectedTokens(pair: TokenizedPair): TokenIds {
  if (pair.rejected === null) {
    throw new RangeError(`Expected pair "${pair.id}" to have a rejected reply.`);
  }
  return pair.rejected;
}
