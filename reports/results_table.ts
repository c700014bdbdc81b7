import type { Score } from "../core/score_table.ts";
import type { Estimate, Metric, Results, SystemResult } from "../core/results.ts";
import { InputError, nearest, type Problem } from "../core/problem.ts";
import { type Cell, type Column, emptyCell, type Quantity, type Table, textCell } from "./table.ts";
import { type Best, bestRow } from "./best_row.ts";
import { formatCount } from "./number_format.ts";
import { findComparison } from "./outcome.ts";

/** A measured quantity of the row's system. */
interface MetricColumnSpec {
  readonly metric: string;
  /** Shorter heading than the metric's own. */
  readonly label?: string;
  /** Heading shared with neighbouring columns. */
  readonly group?: string;
}

/** One column of a results table, as a recipe writes it. */
export type ColumnSpec =
  | MetricColumnSpec
  /** Win rate of the row's system over another, compared on the metric `on`. */
  | { readonly winRateOver: string; readonly on?: string }
  /** Paired mean difference, the row's system minus another, of the metric `on`. */
  | { readonly differenceFrom: string; readonly on?: string };

/** What a results table shows. */
interface ResultsTableOptions {
  readonly id?: string;
  readonly title: string;
  readonly columns: readonly ColumnSpec[];
  /** Systems in the order of the rows; all, in the order of the results, unless told. */
  readonly rows?: readonly string[];
}

/** A column with what its cells are made from. */
interface ResolvedColumn {
  readonly column: Column;
  /** Metric whose comparisons decide which row is best. */
  readonly judgedBy: string;
  /** The row's number, or null where there is none. */
  estimate(system: SystemResult): Estimate | null;
  readonly digits: number;
  /** The system that the numbers are against, and what it would have against itself. */
  readonly against: { readonly id: string; readonly value: number } | null;
}

/**
 * The table of a run: one row a system, one column a quantity, mean ± half the 95% interval. The best
 * value of a column is marked only where its paired difference from every other has a 95% interval
 * without zero. Over a column's own baseline, a system stands at 50% or at no difference.
 *
 * @throws InputError naming every unknown metric and system of `options`, with the nearest known one
 */
export function resultsTable(results: Results, options: ResultsTableOptions): Table {
  checkSpecs(results, options);
  const systems = (options.rows ?? results.systems.map(({ id }) => id))
    .map((id) => results.systems.find((system) => system.id === id)!);
  const resolved = options.columns.map((spec) => resolveColumn(results, systems, spec));
  const notes: string[] = [];
  const best = resolved.map((column) =>
    bestRow(results, systems, {
      judgedBy: column.judgedBy,
      better: column.column.better,
      values: systems.map((system) =>
        column.against?.id === system.id
          ? column.against.value
          : column.estimate(system)?.mean ?? null
      ),
    })
  );
  const rows = systems.map((system, row) => ({
    id: system.id,
    cells: [
      textCell(system.label, system.origins),
      ...resolved.map((column, at) =>
        quantityCell(results, { system, column, best: best[at].row === row, notes })
      ),
    ],
  }));
  return {
    id: options.id ?? "results",
    title: options.title,
    caption: [...captionOfNumbers(resolved, systems), ...captionOfBest(resolved, systems, best)]
      .join(" "),
    columns: [systemColumn, ...resolved.map(({ column }) => column)],
    rows,
    notes,
  };
}

/** First column of every table over systems. */
export const systemColumn: Column = {
  id: "system",
  label: "System",
  group: null,
  unit: null,
  better: null,
  align: "left",
  n: null,
};

/** A metric's unit as a heading shows it; null where the label says it already. */
export function unitLabel({ label, unit }: Metric): string | null {
  if (unit === "percent") return "%";
  return label.toLowerCase().includes(unit.toLowerCase()) ? null : unit;
}

function resolveColumn(
  results: Results,
  systems: readonly SystemResult[],
  spec: ColumnSpec,
): ResolvedColumn {
  if ("metric" in spec) return metricColumn(results.metrics[spec.metric], systems, spec);
  const over = "winRateOver" in spec ? spec.winRateOver : spec.differenceFrom;
  const on = spec.on ?? results.comparisons[0].metric;
  const metric = results.metrics[on];
  const wins = "winRateOver" in spec;
  const estimate = (system: SystemResult) => {
    const comparison = findComparison(results, { a: system.id, b: over, metric: on });
    return comparison && (wins ? comparison.winRate : comparison.difference);
  };
  const label = results.systems.find(({ id }) => id === over)!.label;
  return {
    column: {
      id: `${wins ? "winRateOver" : "differenceFrom"}:${over}:${on}`,
      label: wins ? `over ${label}` : `minus ${label}`,
      group: wins ? "Win rate" : metric.label,
      unit: wins ? "%" : unitLabel(metric),
      better: wins ? "higher" : metric.better,
      align: "right",
      n: sharedCount(systems.map(estimate)),
    },
    judgedBy: on,
    estimate,
    digits: wins ? 1 : metric.digits,
    against: { id: over, value: wins ? 50 : 0 },
  };
}

function metricColumn(
  metric: Metric,
  systems: readonly SystemResult[],
  spec: MetricColumnSpec,
): ResolvedColumn {
  const estimate = (system: SystemResult) => system.metrics[spec.metric] ?? null;
  return {
    column: {
      id: spec.metric,
      label: spec.label ?? metric.label,
      group: spec.group ?? null,
      unit: unitLabel(metric),
      better: metric.better,
      align: "right",
      n: sharedCount(systems.map(estimate)),
    },
    judgedBy: spec.metric,
    estimate,
    digits: metric.digits,
    against: null,
  };
}

/** The n that all numbers of a column share; null where they differ or are not counted. */
export function sharedCount(
  numbers: readonly (Pick<Score, "n"> | null)[],
): number | null {
  const counts = new Set(numbers.flatMap((number) => number === null ? [] : [number.n]));
  return counts.size === 1 ? [...counts][0] : null;
}

function quantityCell(
  results: Results,
  at: { system: SystemResult; column: ResolvedColumn; best: boolean; notes: string[] },
): Cell {
  const { system, column } = at;
  if (column.against?.id === system.id) return emptyCell();
  const estimate = column.estimate(system);
  if (estimate === null) return emptyCell([noteIndex(at.notes, "Not measured in this run.")]);
  const seeds = estimate.perSeed.filter((value) => value !== null).length;
  const partial = seeds > 0 && seeds < results.seeds.length;
  const against = results.systems.find(({ id }) => id === column.against?.id);
  return {
    content: quantity(estimate, column.digits),
    best: at.best,
    notes: partial ? [noteIndex(at.notes, `From ${seeds} of ${results.seeds.length} seeds.`)] : [],
    origins: [...system.origins, ...(against?.origins ?? [])],
  };
}

function quantity(estimate: Estimate, digits: number): Quantity {
  return { value: estimate.mean, digits, interval: estimate.ci95, n: estimate.n };
}

/** The index of a note, added when new. */
function noteIndex(notes: string[], note: string): number {
  const index = notes.indexOf(note);
  return index >= 0 ? index : notes.push(note) - 1;
}

function captionOfNumbers(
  columns: readonly ResolvedColumn[],
  systems: readonly SystemResult[],
): string[] {
  const estimates = columns.flatMap((column) =>
    systems.filter(({ id }) => id !== column.against?.id).map(column.estimate)
  ).filter((estimate) => estimate !== null);
  const methods = [...new Set(estimates.filter(({ ci95 }) => ci95).map(({ method }) => method))];
  const clustered = estimates.filter(({ n, clusters }) => clusters < n)
    .map(({ n, clusters }) => `${formatCount(n)} are of ${formatCount(clusters)} distinct prompts`);
  const counts = [...new Set(clustered)];
  return [
    methods.length === 0
      ? "Means; nothing here supports an interval."
      : `Mean ± 95% interval, its larger side (${methods.join("; ")}).`,
    `n counts items, all seeds together${counts.length > 0 ? `: ${counts.join(", ")}` : ""}.`,
    ...(columns.some(({ column }) => column.group === "Win rate") ? ["Ties count half."] : []),
  ];
}

/** What is marked as best; by name, the columns that could hold no mark for want of comparisons. */
function captionOfBest(
  columns: readonly ResolvedColumn[],
  systems: readonly SystemResult[],
  best: readonly Best[],
): string[] {
  const marked = best.some(({ row }, at) =>
    row !== null && systems[row].id !== columns[at].against?.id
  );
  const unknown = columns.filter((_, at) => !best[at].compared).map(({ column }) =>
    column.group === null ? column.label : `${column.group} ${column.label}`
  );
  return [
    marked
      ? "Marked (bold, or * in plain text): the best of its column, where the paired difference from " +
        "every other system has a 95% interval without zero."
      : "No value is marked as best: in no column was one system shown to be better than every " +
        "other, by a paired difference with a 95% interval without zero.",
    ...(unknown.length === 0
      ? []
      : [`The best was not compared with every other system in: ${unknown.join(", ")}.`]),
  ];
}

function checkSpecs(results: Results, options: ResultsTableOptions): void {
  const systems = results.systems.map(({ id }) => id);
  const metrics = Object.keys(results.metrics);
  const problems: Problem[] = [];
  const check = (path: string, kind: string, name: string, known: readonly string[]) => {
    if (known.includes(name)) return;
    problems.push({
      path,
      message: `No ${kind} is called "${name}" in the results. Known: ${known.join(", ")}.`,
      nearest: nearest(name, known),
    });
  };
  options.rows?.forEach((id, i) => check(`table.rows[${i}]`, "system", id, systems));
  options.columns.forEach((spec, i) => {
    const path = `table.columns[${i}]`;
    if ("metric" in spec) return check(`${path}.metric`, "metric", spec.metric, metrics);
    if ("winRateOver" in spec) check(`${path}.winRateOver`, "system", spec.winRateOver, systems);
    else check(`${path}.differenceFrom`, "system", spec.differenceFrom, systems);
    if (spec.on !== undefined) check(`${path}.on`, "metric", spec.on, metrics);
    else if (results.comparisons.length === 0) {
      problems.push({ path, message: "The results hold no comparisons for this column." });
    }
  });
  if (problems.length > 0) throw new InputError(problems);
}
