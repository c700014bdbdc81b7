import type { Results, SystemResult } from "../core/results.ts";
import { findComparison, outcomeOf } from "./outcome.ts";

/**
 * The row that holds a column's best value, or null when the data do not support naming one: its system
 * must be better than that of *every other* row with a number (see `outcomeOf`). A comparison that was
 * not made supports nothing.
 *
 * @param column.judgedBy the metric whose comparisons decide
 * @param column.values the column's means by row; rows without a number take no part
 */
export function bestRow(
  results: Results,
  systems: readonly SystemResult[],
  column: {
    readonly judgedBy: string;
    readonly better: "higher" | "lower" | null;
    readonly values: readonly (number | null)[];
  },
): number | null {
  if (column.better === null) return null;
  const sign = column.better === "higher" ? 1 : -1;
  const rows = column.values.flatMap((value, row) => value === null ? [] : [{ row, value }]);
  if (rows.length < 2) return null;
  const best = rows.reduce((a, b) => sign * (b.value - a.value) > 0 ? b : a).row;
  const beatsAll = rows.every(({ row }) => {
    if (row === best) return true;
    const query = { a: systems[best].id, b: systems[row].id, metric: column.judgedBy };
    const comparison = findComparison(results, query);
    return comparison !== null && outcomeOf(results, comparison) === "better";
  });
  return beatsAll ? best : null;
}
