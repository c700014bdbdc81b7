import type { Curve, Metric, Results } from "../core/results.ts";
import type { Recurrence } from "./estimate.ts";

type Judged = Pick<Results, "metrics" | "systems" | "curves">;

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

/**
 * What the intervals and p-values of these results stand on.
 *
 * @param prompts how many of the test prompts come again in another seed
 */
export function describeStatistics(seeds: readonly number[], prompts: Recurrence): string {
  if (seeds.length < 2) {
    return "One seed: intervals and p-values are over prompts, given the trained models, and say " +
      "nothing about training again with another seed.";
  }
  const tested: Readonly<Record<Recurrence, string>> = {
    none: "each with its own training and its own test prompts",
    some: `each with its own training; some test prompts come in more than one seed, so ${WIDER}`,
    all: `each with its own training, all tested on the same prompts, so ${WIDER}`,
  };
  return `Intervals are over ${seeds.length} seeds, ${
    tested[prompts]
  }; p-values are over prompts, ` +
    "all seeds together, given the trained models.";
}

const WIDER = "an interval is the wider of t over seeds and the bootstrap over prompts";
