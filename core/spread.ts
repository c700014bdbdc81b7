/** How values are spread; a quantile is the smallest value that at least so many do not exceed. */
export interface Spread {
  /** How many values there are. */
  readonly n: number;
  readonly min: number;
  readonly p10: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

/**
 * Summarises values.
 *
 * @returns null for none
 *
 * @example
 * ```ts
 * import { spreadOf } from "./spread.ts";
 * const spread = spreadOf([4, 1, 3, 2]);
 * if (spread?.median !== 2 || spread.p75 !== 3 || spread.mean !== 2.5) throw new Error();
 * ```
 */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const quantile = (q: number) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  return {
    n: sorted.length,
    min: sorted[0],
    p10: quantile(0.1),
    p25: quantile(0.25),
    median: quantile(0.5),
    p75: quantile(0.75),
    p90: quantile(0.9),
    p99: quantile(0.99),
    max: sorted[sorted.length - 1],
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
  };
}
