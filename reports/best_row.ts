import type { Results, SystemResult } from "../core/results.ts";
import { findComparison, outcomeOf } from "./outcome.ts";

/** The best row of a column, as far as the data support naming one. */
export interface Best {
  readonly row: number | null;
  /** Whether the row with the best value was compared with every other that has one. */
  readonly compared: boolean;
}

/**
 * The row that holds a column's best value, or null when the data do not support naming one: its system
 * must be better than that of *every other* row with a number (see `outcomeOf`). A comparison that was
 * not made supports nothing. Where no direction is better there is nothing to compare.
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
): Best {
  const sign = column.better === "higher" ? 1 : -1;
  const rows = column.values.flatMap((value, row) => value === null ? [] : [{ row, value }]);
  if (column.better === null || rows.length < 2) return { row: null, compared: true };
  const best = rows.reduce((a, b) => sign * (b.value - a.value) > 0 ? b : a).row;
  const comparisons = rows.filter(({ row }) => row !== best).map(({ row }) =>
    findComparison(results, { a: systems[best].id, b: systems[row].id, metric: column.judgedBy })
  );
  const beatsAll = comparisons.every((comparison) =>
    comparison !== null && outcomeOf(results, comparison) === "better"
  );
  return {
    row: beatsAll ? best : null,
    compared: comparisons.every((comparison) => comparison !== null),
  };
}
