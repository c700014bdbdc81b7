import type { Comparison } from "../core/results.ts";
import { estimate } from "./estimate.ts";
import { type Evaluation, metricSample } from "./evaluation.ts";
import { type DirectedMetric, METRICS } from "./metrics.ts";
import type { Resampling } from "./stats/bootstrap.ts";
import type { ItemSample } from "./stats/sample.ts";
import { signFlipTest } from "./stats/sign_flip.ts";
import { winRate } from "./stats/win_rate.ts";

/** Two systems and what both did, on the same items, in each seed; null where one lacks the seed. */
interface PairedEvaluations {
  readonly a: string;
  readonly b: string;
  readonly bySeed: readonly ({ readonly a: Evaluation; readonly b: Evaluation } | null)[];
}

/**
 * System `a` against system `b` on one metric, prompt by prompt within each seed.
 *
 * The intervals are over seeds where there are several. The p-value is over prompts, all seeds
 * together, given the trained models: it says whether these models differ, not whether training
 * again would give the same order.
 *
 * @returns null when no seed has the metric for both
 * @throws RangeError when two evaluations of one seed differ in their number of values
 */
export function comparePair(
  paired: PairedEvaluations,
  metric: DirectedMetric,
  resampling: Resampling,
): Comparison | null {
  const sign = METRICS[metric].better === "lower" ? -1 : 1;
  const credits: (ItemSample | null)[] = paired.bySeed.map(() => null);
  const differences: (ItemSample | null)[] = [...credits];
  const counts = { wins: 0, losses: 0, ties: 0 };
  for (const [at, both] of paired.bySeed.entries()) {
    const ours = both && metricSample(both.a, metric);
    const theirs = both && metricSample(both.b, metric);
    if (ours === null || theirs === null) continue;
    const signed = ({ values }: ItemSample) => values.map((value) => sign * value);
    const won = winRate(signed(ours), signed(theirs));
    counts.wins += won.wins;
    counts.losses += won.losses;
    counts.ties += won.ties;
    const { items } = ours;
    credits[at] = { items, values: won.credits };
    differences[at] = { items, values: ours.values.map((value, i) => value - theirs.values[i]) };
  }
  const known = differences.filter((sample) => sample !== null);
  if (known.length === 0) return null;
  const pooled = {
    items: known.flatMap(({ items }) => items),
    values: known.flatMap(({ values }) => values),
  };
  return {
    a: paired.a,
    b: paired.b,
    metric,
    ...counts,
    winRate: estimate(credits, { ...resampling, bounds: [0, 100] }),
    difference: estimate(differences, resampling),
    pValue: signFlipTest(pooled, resampling),
  };
}
