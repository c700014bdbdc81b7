import type { Results } from "../core/results.ts";
import { column, difference, intervalUnits, originsOf } from "./comparisons_table.ts";
import { unitLabel } from "./results_table.ts";
import { emptyCell, type Table, textCell } from "./table.ts";
import type { Duel } from "./verdict.ts";

/** How a verdict follows from the numbers: one row a method and opponent. */
export function duelsTable(duels: readonly Duel[], results: Results, name: string): Table {
  const metric = results.metrics[name];
  const known = duels.flatMap(({ comparison }) => comparison ?? []);
  return {
    id: "duels",
    title: "How the answer follows",
    caption: `Difference: ${metric.label}, the system's less the other's. ` +
      "Better or worse: the 95% interval of the paired difference leaves out zero; otherwise " +
      `the run cannot tell the two apart. ${intervalUnits(known)}`,
    columns: [
      column("method", "System", { align: "left" }),
      column("opponent", "Against", { align: "left" }),
      column("outcome", "Outcome", { align: "left" }),
      column("difference", "Difference", { unit: unitLabel(metric) }),
      column("interval", "95% interval"),
    ],
    rows: duels.map(({ method, opponent, outcome, comparison }) => ({
      id: `${method}:${opponent}`,
      cells: [
        textCell(method),
        textCell(opponent),
        textCell(outcome),
        ...(comparison === null
          ? [emptyCell(), emptyCell()]
          : difference(comparison.difference, metric.digits).map((cell) => ({
            ...cell,
            origins: originsOf(results, comparison),
          }))),
      ],
    })),
    notes: [],
  };
}
