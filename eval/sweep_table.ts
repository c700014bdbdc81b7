import { InputError, nearest, type Problem } from "../core/problem.ts";
import type { Estimate, Metric, Results } from "../core/results.ts";
import type { Score, ScoreColumn, ScoreTable } from "../core/score_table.ts";

/** The results of one point of a sweep. */
export interface SweptResults {
  /** The instance that gave them, for problems. */
  readonly from: string;
  readonly axes: Readonly<Record<string, string | number>>;
  readonly results: Results;
}

/** What a sweep's table shows. */
export interface SweepRequest {
  readonly points: readonly SweptResults[];
  /** The swept parameters, each with the axis that its values lie on; the first makes the rows. */
  readonly parameters: readonly { readonly axis: string; readonly parameter: string }[];
  /** The one that systems are first compared on unless told. */
  readonly metric?: string;
  /** All of the first point unless told. */
  readonly systems?: readonly string[];
}

/**
 * One metric at every point of a sweep: a row for each value of the first parameter, a column for each system
 * at each combination of the others. A system that no swept parameter reaches has the same number in every
 * row.
 *
 * @throws InputError naming what the points lack: an axis, the metric, a system
 */
export function sweepTable(request: SweepRequest): ScoreTable {
  const { points, parameters } = request;
  const [first] = points;
  const metric = request.metric ?? first.results.comparisons[0]?.metric ??
    Object.keys(first.results.metrics)[0] ?? "none";
  const systems = request.systems ?? first.results.systems.map(({ id }) => id);
  const problems = points.flatMap((point) => problemsOf(point, { metric, systems, parameters }));
  if (problems.length > 0) throw new InputError(problems);
  const described = first.results.metrics[metric];
  const [across, ...others] = parameters;
  const rows = distinct(points.map(({ axes }) => axes[across.axis]));
  const groups = distinct(points.map((point) => groupOf(point, others)));
  const columns = groups.flatMap((group) =>
    systems.map((id) => columnOf(id, group, first.results, described))
  );
  const at = (value: string | number) => points.filter(({ axes }) => axes[across.axis] === value);
  return {
    id: `sweep-${metric}`,
    title: `${described.label} against ${parameters.map(({ parameter }) => parameter).join(", ")}`,
    heading: across.parameter,
    caption: captionOf(points, metric, described),
    columns,
    rows: rows.map((value) => ({
      id: `${across.axis}=${value}`,
      label: String(value),
      values: Object.assign(
        {},
        ...at(value).map((point) => valuesOf(point, groupOf(point, others), { metric, systems })),
      ),
      note: null,
    })),
  };
}

interface Asked {
  readonly metric: string;
  readonly systems: readonly string[];
}

function problemsOf(
  { from, axes, results }: SweptResults,
  { metric, systems, parameters }: Asked & Pick<SweepRequest, "parameters">,
): Problem[] {
  const known = results.systems.map(({ id }) => id);
  const lacks = (kind: string, name: string, choices: readonly string[]): Problem => ({
    path: from,
    message: `It has no ${kind} ${name}; expected one of ${choices.join(", ") || "none"}.`,
    nearest: nearest(name, choices),
  });
  const metrics = Object.keys(results.metrics);
  return [
    ...parameters.filter(({ axis }) => axes[axis] === undefined)
      .map(({ axis }) => lacks("axis", axis, Object.keys(axes))),
    ...(metrics.includes(metric) ? [] : [lacks("metric", metric, metrics)]),
    ...systems.filter((id) => !known.includes(id)).map((id) => lacks("system", id, known)),
  ];
}

/** The place on the other parameters, as a heading; empty where one alone is swept. */
function groupOf({ axes }: SweptResults, others: SweepRequest["parameters"]): string {
  return others.map(({ axis, parameter }) => `${parameter} = ${axes[axis]}`).join(", ");
}

function columnOf(id: string, group: string, { systems }: Results, metric: Metric): ScoreColumn {
  return {
    id: columnId(id, group),
    label: systems.find((system) => system.id === id)!.label,
    ...(group !== "" && { group }),
    unit: metric.unit === "percent" ? "%" : metric.unit,
    better: metric.better,
    digits: metric.digits,
  };
}

function columnId(system: string, group: string): string {
  return group === "" ? system : `${system} ${group}`;
}

function valuesOf(
  { results }: SweptResults,
  group: string,
  { metric, systems }: Asked,
): Record<string, Score | null> {
  return Object.fromEntries(systems.map((id) => {
    const estimate = results.systems.find((system) => system.id === id)!.metrics[metric];
    return [columnId(id, group), estimate === undefined ? null : scoreOf(estimate)];
  }));
}

function scoreOf({ mean, ci95, n }: Estimate): Score {
  return { value: mean, ci95, n };
}

function captionOf(points: readonly SweptResults[], metric: string, { describe }: Metric): string {
  const estimates = points.flatMap(({ results }) =>
    results.systems.flatMap((system) => system.metrics[metric] ?? [])
  );
  const methods = distinct(estimates.filter(({ ci95 }) => ci95 !== null).map((one) => one.method));
  const intervals = methods.length === 0
    ? "No intervals."
    : `Mean ± 95% interval, its larger side (${methods.join("; ")}).`;
  return `${describe.replace(/\.?$/, ".")} ${intervals}`;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
