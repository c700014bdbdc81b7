import type { Results, SystemResult } from "../core/results.ts";

/** Largest p-value at which the paired test tells two systems apart. */
export const SIGNIFICANCE = 0.05;

/**
 * The row that holds a column's best value, or null when the data do not support naming one: it must
 * be better than *every other* row's system in the paired test on the same prompts (p < 0.05 in each
 * comparison, and the difference on its side). A missing comparison supports nothing.
 *
 * @param column.values the column's means by row; rows without a number take no part
 */
export function bestRow(
  results: Results,
  systems: readonly SystemResult[],
  column: {
    readonly judgedBy: string | null;
    readonly better: "higher" | "lower" | null;
    readonly values: readonly (number | null)[];
  },
): number | null {
  if (column.judgedBy === null || column.better === null) return null;
  const sign = column.better === "higher" ? 1 : -1;
  const rows = column.values.flatMap((value, row) => value === null ? [] : [{ row, value }]);
  if (rows.length < 2) return null;
  const best = rows.reduce((a, b) => sign * (b.value - a.value) > 0 ? b : a);
  const beatsAll = systems.every((other, row) =>
    row === best.row || column.values[row] === null ||
    beats(results, {
      winner: systems[best.row].id,
      loser: other.id,
      metric: column.judgedBy as string,
      sign,
    })
  );
  return beatsAll ? best.row : null;
}

function beats(
  results: Results,
  query: { winner: string; loser: string; metric: string; sign: number },
): boolean {
  return results.comparisons.some((comparison) => {
    if (comparison.metric !== query.metric || comparison.pValue >= SIGNIFICANCE) return false;
    const difference = query.sign * comparison.difference.mean;
    return (comparison.a === query.winner && comparison.b === query.loser && difference > 0) ||
      (comparison.a === query.loser && comparison.b === query.winner && difference < 0);
  });
}
