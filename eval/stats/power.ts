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

/** Points of win rate that a reader would like to tell apart. */
const POINTS = 2;

/** What tables say of a column of `pairsForTwoPoints`. */
export const POWER_CAPTION =
  `n for ${POINTS} points: how many it takes to see that a win rate is not 50%, or any other number ` +
  `that is given, when it is ${POINTS} points away from it, in four of five tries (two-sided test at 5%).`;

/** How many judged pairs it takes to tell a win rate from one that is 2 points away. */
export interface NeededPairs {
  readonly needed: number;
  /** Points that those that there are tell apart. */
  readonly detectable: number;
}

/**
 * What a win rate's standard error says of how many judged pairs are needed, for a power of 0.8 at 0.05.
 *
 * @param standardError of the win rate, percent points; pairs of a question may depend on each other
 * @param n judged pairs behind it
 * @returns null where nothing varies, or nothing is known of how it does
 */
export function pairsForTwoPoints(standardError: number | null, n: number): NeededPairs | null {
  if (standardError === null || standardError === 0) return null;
  const deviation = standardError * Math.sqrt(n);
  return {
    needed: pairsNeeded(POINTS, { deviation }),
    detectable: detectableDifference(n, { deviation }),
  };
}

/** `To tell 2 points apart in four of five tries takes 4,906 turns; 160 tell 11.1.` */
export function describePower(
  standardError: number | null,
  { n, what }: { readonly n: number; readonly what: string },
): string | null {
  const power = pairsForTwoPoints(standardError, n);
  if (power === null) return null;
  const { needed, detectable } = power;
  return `To tell ${POINTS} points apart in four of five tries takes ` +
    `${needed.toLocaleString("en-US")} ${what}; ${n} tell ${detectable.toFixed(1)}.`;
}

function factor({ deviation, alpha = 0.05, power = 0.8 }: PairedTest): number {
  if (!(deviation >= 0)) {
    throw new RangeError(`Expected deviation to be at least 0 but found ${deviation}.`);
  }
  return (normalQuantile(1 - alpha / 2) + normalQuantile(power)) * deviation;
}
