import type { Results } from "../core/results.ts";
import { column, difference, originsOf } from "./comparisons_table.ts";
import { formatPValue } from "./number_format.ts";
import { unitLabel } from "./results_table.ts";
import { emptyCell, type Table, textCell } from "./table.ts";
import type { Duel } from "./verdict.ts";

/** How a verdict follows from the numbers: one row a method and opponent. */
export function duelsTable(duels: readonly Duel[], results: Results, name: string): Table {
  const metric = results.metrics[name];
  return {
    id: "duels",
    title: "How the answer follows",
    caption:
      "Better or worse: the 95% interval of the paired difference leaves out zero; otherwise " +
      "the run cannot tell the two apart. The p-value is given the trained models and decides nothing.",
    columns: [
      column("method", "System", { align: "left" }),
      column("opponent", "Against", { align: "left" }),
      column("outcome", "Outcome", { align: "left" }),
      column("difference", `Difference in ${metric.label}`, { unit: unitLabel(metric) }),
      column("interval", "95% interval"),
      column("p", "p"),
    ],
    rows: duels.map(({ method, opponent, outcome, comparison }) => ({
      id: `${method}:${opponent}`,
      cells: [
        textCell(method),
        textCell(opponent),
        textCell(outcome),
        ...(comparison === null ? [emptyCell(), emptyCell(), emptyCell()] : [
          ...difference(comparison.difference, metric.digits),
          textCell(formatPValue(comparison.pValue)),
        ].map((cell) => ({ ...cell, origins: originsOf(results, comparison) }))),
      ],
    })),
    notes: [],
  };
}
