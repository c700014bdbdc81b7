import type { Estimate } from "../core/results.ts";
import { bootstrapInterval, type Resampling } from "./stats/bootstrap.ts";
import { mean } from "./stats/moments.ts";
import { clusterSums, type ItemSample } from "./stats/sample.ts";
import { studentTInterval } from "./stats/student_t.ts";

/** How an interval is made. */
export interface IntervalOptions extends Resampling {
  /** Ends that no value can pass, such as 0 and 100 of a rate. */
  readonly bounds?: readonly [number, number];
}

/**
 * The mean over seeds of what was measured on items, with its 95% interval: Student's t over the
 * seeds' means where there are two seeds or more, so that it covers training again with another
 * seed; else the bootstrap over prompts, which does not.
 *
 * @param bySeed the values of each seed
 * @throws RangeError when there is no seed, or a seed without values
 */
export function estimate(bySeed: readonly ItemSample[], options: IntervalOptions): Estimate {
  const perSeed = bySeed.map(({ values }) => mean(values));
  const n = bySeed.reduce((sum, { values }) => sum + values.length, 0);
  if (bySeed.length > 1) {
    const ci95 = clipped(studentTInterval(perSeed), options.bounds);
    return { mean: mean(perSeed), ci95, method: `t over ${perSeed.length} seeds`, n, perSeed };
  }
  const prompts = clusterSums(bySeed[0]).sums.length;
  const method = `bootstrap over ${prompts} prompts`;
  if (prompts < 2) return { mean: perSeed[0], ci95: null, method: "one prompt", n, perSeed };
  const ci95 = clipped(bootstrapInterval(bySeed[0], options), options.bounds);
  return { mean: perSeed[0], ci95, method, n, perSeed };
}

function clipped(
  [low, high]: [number, number],
  [least, most]: readonly [number, number] = [-Infinity, Infinity],
): [number, number] {
  return [Math.max(least, low), Math.min(most, high)];
}
