/** Values closer than this are a tie: they differ by rounding alone. */
export const TIE = 1e-9;

/** How often a beat b on the same items. */
interface WinCounts {
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  /** 100 · (wins + ties/2) / n, percent. */
  readonly rate: number;
  /** What each item adds to the rate: 100, 50 or 0. */
  readonly credits: readonly number[];
}

/**
 * Wins, losses and ties of `a` over `b`, item by item; a tie counts half.
 *
 * @param a values of the first system, higher being better
 * @param b values of the second on the same items, in the same order
 * @throws RangeError when the numbers of values differ, there is none, or one is not a number
 *
 * @example
 * ```ts
 * import { winRate } from "./win_rate.ts";
 * const { wins, ties, rate } = winRate([1, 0, 2, 2], [0, 0, 3, 1]);
 * if (wins !== 2 || ties !== 1 || rate !== 62.5) throw new Error();
 * ```
 */
export function winRate(a: readonly number[], b: readonly number[]): WinCounts {
  if (a.length !== b.length || a.length === 0) {
    throw new RangeError(
      `Expected as many values of a as of b, and at least 1, but found ${a.length} and ${b.length}.`,
    );
  }
  const credits = a.map((value, i) => {
    const lead = value - b[i];
    if (Number.isNaN(lead)) {
      throw new RangeError(`Expected numbers at item ${i} but found ${value} and ${b[i]}.`);
    }
    return Math.abs(lead) <= TIE ? 50 : lead > 0 ? 100 : 0;
  });
  const wins = credits.filter((credit) => credit === 100).length;
  const ties = credits.filter((credit) => credit === 50).length;
  const rate = 100 * (wins + ties / 2) / a.length;
  return { wins, losses: a.length - wins - ties, ties, rate, credits };
}
