import { InputError, type Problem } from "../../core/problem.ts";
import type { Estimate, Results, SystemResult } from "../../core/results.ts";
import { visibleText } from "../../core/visible_text.ts";
import type { AxisQuantity } from "../figure.ts";
import { findComparison } from "../outcome.ts";
import { unitLabel } from "../results_table.ts";
import { unknownNames } from "./unknown_names.ts";

/** One number a system, for an axis. */
export interface TradeoffQuantity {
  /** Distinct, for file names. */
  readonly name: string;
  readonly label: string;
  /** The label with its unit. */
  readonly axis: string;
  readonly digits: number;
  /** Where neither of two is better; null where a quantity has no such place. */
  readonly even: number | null;
  /** Null for a system without the number. */
  estimate(system: SystemResult): Estimate | null;
}

/**
 * Finds what both axes ask for.
 *
 * @throws InputError naming each unknown metric and system, with the nearest
 */
export function tradeoffQuantities(
  results: Results,
  axes: { readonly x: AxisQuantity; readonly y: AxisQuantity },
): { x: TradeoffQuantity; y: TradeoffQuantity } {
  const problems = (["x", "y"] as const).flatMap((axis) =>
    problemsOf(results, axes[axis], `figures.tradeoff.${axis}`)
  );
  if (problems.length > 0) throw new InputError(problems);
  const resolve = (asked: AxisQuantity) =>
    typeof asked === "string" ? metricQuantity(results, asked) : winRate(results, asked);
  return { x: resolve(axes.x), y: resolve(axes.y) };
}

function problemsOf(results: Results, asked: AxisQuantity, path: string): Problem[] {
  const within = "in the results";
  const metrics = { kind: "metric", within, known: Object.keys(results.metrics) };
  if (typeof asked === "string") return unknownNames(path, [asked], metrics);
  const systems = { kind: "system", within, known: results.systems.map(({ id }) => id) };
  const { winRateOver: over, on } = asked;
  const problems = [
    ...unknownNames(`${path}.winRateOver`, [over], systems),
    ...(on === undefined ? [] : unknownNames(`${path}.on`, [on], metrics)),
  ];
  const decided = on ?? results.comparisons[0]?.metric;
  const compared = results.comparisons.some(({ a, b, metric }) =>
    (a === over || b === over) && metric === decided
  );
  if (problems.length > 0 || compared) return problems;
  const message = `The results compare no system with "${over}"` +
    `${decided === undefined ? "" : ` on ${decided}`}.`;
  return [{ path: `${path}.winRateOver`, message }];
}

function metricQuantity({ metrics }: Results, name: string): TradeoffQuantity {
  const metric = metrics[name];
  const unit = unitLabel(metric);
  return {
    name,
    label: visibleText(metric.label),
    axis: visibleText(unit === null ? metric.label : `${metric.label} (${unit})`),
    digits: metric.digits,
    even: null,
    estimate: (system) => system.metrics[name] ?? null,
  };
}

function winRate(
  results: Results,
  { winRateOver: over, on = results.comparisons[0].metric }: Exclude<AxisQuantity, string>,
): TradeoffQuantity {
  const baseline = results.systems.find(({ id }) => id === over)!;
  const label = visibleText(`Win rate over ${baseline.label} on ${results.metrics[on].label}`);
  return {
    name: `win-rate-${over}-${on}`,
    label,
    axis: `${label} (%)`,
    digits: 1,
    even: 50,
    estimate: ({ id }) =>
      id === over
        ? againstItself(results)
        : findComparison(results, { a: id, b: over, metric: on })?.winRate ?? null,
  };
}

/** What a system's win rate over itself is by definition. */
function againstItself({ seeds }: Results): Estimate {
  const none = { ci95: null, n: 0, clusters: 0, perSeed: seeds.map(() => null) };
  return { mean: 50, method: "by definition", ...none };
}
