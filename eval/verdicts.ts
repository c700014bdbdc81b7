import type { Comparison, Curve, Metric, Results } from "../core/results.ts";

/** A statement to be held against the numbers: one system is better than another. */
export interface Claim {
  readonly better: string;
  readonly than: string;
  /** The metric that decides. */
  readonly on: string;
}

type Judged = Pick<Results, "metrics" | "systems" | "comparisons" | "curves">;

/**
 * What the numbers say about each claim, in a sentence each: supported or contradicted when the 95%
 * interval of the paired difference leaves out 0, else not decided. The same rule holds both ways.
 *
 * @throws RangeError when a claim's systems were not compared on its metric
 */
export function judgeClaims(results: Judged, claims: readonly Claim[]): string[] {
  return claims.map(({ better, than, on }) => {
    const comparison = results.comparisons.find(({ a, b, metric }) =>
      a === better && b === than && metric === on
    );
    if (comparison === undefined) {
      throw new RangeError(
        `Expected "${better}" to be compared with "${than}" on "${on}" but it was not.`,
      );
    }
    return claimSentence(results, comparison);
  });
}

function claimSentence(results: Judged, comparison: Comparison): string {
  const metric = results.metrics[comparison.metric];
  const sign = metric.better === "lower" ? -1 : 1;
  const { mean, ci95, method, perSeed } = comparison.difference;
  const [low, high] = ci95 === null ? [-Infinity, Infinity] : ci95.map((end) => sign * end).sort(
    (x, y) => x - y,
  );
  const verdict = low > 0
    ? "supported by this run"
    : high < 0
    ? "contradicted by this run"
    : "not decided by this run";
  const interval = ci95 === null
    ? "no interval"
    : `95% interval ${signed(ci95[0], metric)} to ${signed(ci95[1], metric)}, ${method}`;
  const seeds = perSeed.filter((difference) => sign * difference > 0).length;
  const count = perSeed.length > 1 ? `; ahead in ${seeds} of ${perSeed.length} seeds` : "";
  return `Claim "${labelOf(results, comparison.a)} is better than ${
    labelOf(results, comparison.b)
  }", by ${metric.label}: ${verdict} (difference ${signed(mean, metric)}, ${interval}${count}).`;
}

/**
 * How far each system ends from its best validation point, the mark of over-optimisation; one
 * sentence, or none where no curve has two points with the metric.
 */
export function describeDecline(results: Judged, name: string): string[] {
  const metric = results.metrics[name];
  const parts = results.systems.flatMap(({ id, label }) => {
    const drops = results.curves.filter(({ system }) => system === id).flatMap((curve) =>
      dropOf(curve, name, metric)
    );
    if (drops.length === 0) return [];
    const mean = drops.reduce((sum, drop) => sum + drop, 0) / drops.length;
    const each = drops.length > 1
      ? ` (by seed ${drops.map((drop) => drop.toFixed(metric.digits)).join(", ")})`
      : "";
    return [`${label} ${mean.toFixed(metric.digits)}${each}`];
  });
  if (parts.length === 0) return [];
  return [
    `Distance of the last snapshot from the best one, validation ${metric.label.toLowerCase()}: ` +
    `${parts.join("; ")}. The best of several noisy points flatters itself, so a small distance ` +
    "is no sign of over-optimisation.",
  ];
}

function dropOf(curve: Curve, name: string, metric: Metric): number[] {
  const sign = metric.better === "lower" ? -1 : 1;
  const values = curve.points.flatMap(({ values }) => name in values ? [sign * values[name]] : []);
  return values.length < 2 ? [] : [Math.max(...values) - values[values.length - 1]];
}

/** What the intervals and p-values of these results stand on. */
export function describeStatistics(seeds: readonly number[]): string {
  return seeds.length > 1
    ? `Intervals are over ${seeds.length} seeds, each with its own data and training; p-values are ` +
      "over prompts, all seeds together, given the trained models."
    : "One seed: intervals and p-values are over prompts, given the trained models, and say " +
      "nothing about training again with another seed.";
}

function labelOf(results: Judged, id: string): string {
  return results.systems.find((system) => system.id === id)?.label ?? id;
}

function signed(value: number, { digits }: Metric): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
}
