import { normalQuantile } from "./normal.ts";

/** A two-sided test of a mean difference of pairs. */
export interface PairedTest {
  /** Standard deviation of the pairs' differences, in their unit. */
  readonly deviation: number;
  /** How often a difference of 0 may be called one; 0.05 unless told. */
  readonly alpha?: number;
  /** How often the difference is to be found; 0.8 unless told. */
  readonly power?: number;
}

/**
 * How many pairs tell a mean difference from 0: ((z₁₋α⸝₂ + z_power) · deviation / difference)², rounded
 * up; by the normal approximation, which is good from some thirty pairs on.
 *
 * @param difference in the unit of the deviation, such as 2 points of a win rate; not 0
 * @throws RangeError for a difference of 0, or a deviation, alpha or power out of range
 *
 * @example
 * ```ts
 * import { pairsNeeded } from "./power.ts";
 * // Win rates of 50% by wins and losses alone: each pair's credit deviates by 50 points.
 * if (pairsNeeded(2, { deviation: 50 }) !== 4906) throw new Error();
 * ```
 */
export function pairsNeeded(difference: number, test: PairedTest): number {
  if (!(Math.abs(difference) > 0)) {
    throw new RangeError(`Expected a difference other than 0 but found ${difference}.`);
  }
  return Math.max(1, Math.ceil((factor(test) / difference) ** 2));
}

/**
 * The least mean difference that so many pairs tell from 0, in the unit of the deviation.
 *
 * @param n pairs, at least 1
 * @throws RangeError for fewer, or a deviation, alpha or power out of range
 */
export function detectableDifference(n: number, test: PairedTest): number {
  if (!(n >= 1)) throw new RangeError(`Expected n to be at least 1 but found ${n}.`);
  return factor(test) / Math.sqrt(n);
}

function factor({ deviation, alpha = 0.05, power = 0.8 }: PairedTest): number {
  if (!(deviation >= 0)) {
    throw new RangeError(`Expected deviation to be at least 0 but found ${deviation}.`);
  }
  return (normalQuantile(1 - alpha / 2) + normalQuantile(power)) * deviation;
}
