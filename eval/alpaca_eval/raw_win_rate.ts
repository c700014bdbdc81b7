import { mean, standardError } from "../stats/moments.ts";
import { type Annotation, credit } from "./annotations.ts";

/** AlpacaEval's figures that know nothing of length; rates are percent. */
export interface RawWinRate {
  /** Mean preference for the model. */
  readonly winRate: number;
  /** Of the win rate; null for a single judgment. */
  readonly standardError: number | null;
  readonly wins: number;
  readonly losses: number;
  readonly draws: number;
  /** Rows with a preference. */
  readonly n: number;
  /** Each judgment counted as a win, a loss or half of each. */
  readonly discreteWinRate: number;
}

/**
 * Win rate of the model (2) over the baseline (1).
 *
 * @throws RangeError when no row has a preference
 *
 * @example
 * ```ts
 * import { rawWinRate } from "./raw_win_rate.ts";
 * const row = { instruction: "", generator_1: "a", output_1: "", generator_2: "b", output_2: "" };
 * const rows = [1.75, 1.25, 2, 0].map((preference) => ({ ...row, preference }));
 * const { winRate, discreteWinRate } = rawWinRate(rows);
 * if (winRate !== 62.5 || discreteWinRate !== 62.5) throw new Error();
 * ```
 */
export function rawWinRate(annotations: readonly Annotation[]): RawWinRate {
  const credits = annotations.map(credit).filter((each) => each !== null);
  const n = credits.length;
  if (n === 0) throw new RangeError("Expected at least 1 row with a preference but found 0.");
  const wins = credits.filter((each) => each > 0.5).length;
  const losses = credits.filter((each) => each < 0.5).length;
  const draws = n - wins - losses;
  return {
    winRate: 100 * mean(credits),
    standardError: n < 2 ? null : 100 * standardError(credits),
    wins,
    losses,
    draws,
    n,
    discreteWinRate: 100 * (wins + draws / 2) / n,
  };
}
