import type { Judged, Judgment } from "./judgment.ts";

/**
 * What a pair of answers adds to the win rate of the second system, from 0 to 1. A pair that was judged in
 * both orders is won or lost where both say so, else a tie (Zheng et al., 2023, arXiv 2306.05685, section
 * 3.4); of probabilities it is the mean.
 *
 * @param judgments of one pair under one seed, one an order
 * @returns null where one of them is not scored: an order alone would carry what the judge thinks of places
 *
 * @example
 * ```ts
 * import { pairCredit } from "./pair_credit.ts";
 * const winAndTie = [{ value: 1 }, { value: 0.5 }];
 * if (pairCredit(winAndTie, { kind: "choice" }) !== 0.5) throw new Error();
 * if (pairCredit(winAndTie, { kind: "logprobs", tokens: ["m", "M"] }) !== 0.75) throw new Error();
 * ```
 */
export function pairCredit(
  judgments: readonly Pick<Judgment, "value">[],
  rule: Judged["rule"],
): number | null {
  const values = judgments.flatMap(({ value }) => value ?? []);
  if (values.length === 0 || values.length < judgments.length) return null;
  if (rule.kind !== "logprobs" && !sameSide(values)) return 0.5;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Whether all prefer the same answer, or all neither. */
export function sameSide(values: readonly number[]): boolean {
  return new Set(values.map(sideOf)).size === 1;
}

/** −1 where the first system's answer is preferred, 1 where the second's is, 0 for neither. */
export function sideOf(value: number): number {
  return Math.sign(value - 0.5);
}
