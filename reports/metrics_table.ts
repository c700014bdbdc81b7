import type { Estimate, Results, SystemResult } from "../core/results.ts";
import { column } from "./comparisons_table.ts";
import { sharedCount, unitLabel } from "./results_table.ts";
import { type Cell, countCell, emptyCell, type Table, textCell } from "./table.ts";

/** Everything that was measured, whether or not the main table shows it: one row a metric. */
export function metricsTable(results: Results): Table {
  const { metrics, systems } = results;
  const methods = systems.flatMap((system) =>
    Object.values(system.metrics).flatMap(({ ci95, method }) => ci95 === null ? [] : [method])
  );
  const intervals = methods.length === 0
    ? "Means; nothing here supports an interval."
    : `Mean ± 95% interval, its larger side (${[...new Set(methods)].join("; ")}).`;
  return {
    id: "metrics",
    title: "All metrics of every system",
    caption: `${intervals} n counts items, all seeds together. Nothing is marked as best here.`,
    columns: [
      column("metric", "Metric", { align: "left" }),
      column("n", "n"),
      ...systems.map(({ id, label }) => column(id, label)),
    ],
    rows: Object.keys(metrics).map((name) => {
      const estimates = systems.map((system) => system.metrics[name] ?? null);
      const n = sharedCount(estimates);
      return {
        id: name,
        cells: [
          textCell(headingOf(results, name)),
          n === null ? emptyCell() : countCell(n),
          ...estimates.map((estimate, i) =>
            estimate === null ? emptyCell() : estimateCell(systems[i], {
              estimate,
              digits: metrics[name].digits,
              ownN: n === null,
            })
          ),
        ],
      };
    }),
    notes: [],
  };
}

function headingOf({ metrics }: Results, name: string): string {
  const metric = metrics[name];
  const unit = unitLabel(metric);
  const arrow = metric.better === null ? "" : metric.better === "higher" ? " ↑" : " ↓";
  return `${metric.label}${unit === null ? "" : ` (${unit})`}${arrow}`;
}

function estimateCell(
  { origins }: SystemResult,
  of: { readonly estimate: Estimate; readonly digits: number; readonly ownN: boolean },
): Cell {
  const { mean: value, ci95: interval, n } = of.estimate;
  return {
    content: { value, digits: of.digits, interval, n: of.ownN ? n : null },
    best: false,
    notes: [],
    origins,
  };
}
