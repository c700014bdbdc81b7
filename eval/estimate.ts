import type { Estimate } from "../core/results.ts";
import { bootstrapInterval, type Resampling } from "./stats/bootstrap.ts";
import { mean } from "./stats/moments.ts";
import { clusteredError, type ItemSample } from "./stats/sample.ts";
import { studentTInterval } from "./stats/student_t.ts";

/** How an interval is made. */
interface IntervalOptions extends Resampling {
  /** Ends that no value can pass, such as 0 and 100 of a rate. */
  readonly bounds?: readonly [number, number];
}

/** How many of the prompts come again in another seed. */
export type Recurrence = "none" | "some" | "all";

/**
 * The mean over seeds of what was measured on items, with its 95% interval.
 *
 * With two seeds or more it is Student's t over the seeds' means, which covers training again with
 * another seed. Seeds that were tested on the same prompts share the luck of these prompts, which t
 * over seeds cannot see: where prompts recur, the interval is the wider of t and the bootstrap over
 * prompts of all seeds together. With one seed it is the bootstrap over prompts.
 *
 * @param bySeed the values of each seed; null where a seed has none
 * @throws RangeError when no seed has values
 */
export function estimate(
  bySeed: readonly (ItemSample | null)[],
  options: IntervalOptions,
): Estimate {
  const samples = bySeed.filter((sample) => sample !== null);
  const means = samples.map(({ values }) => mean(values));
  const pooled = poolSeeds(samples);
  const { ci95, method } = interval(samples, { means, pooled }, options);
  return {
    mean: mean(means),
    ci95: ci95 && clipped(ci95, options.bounds),
    method,
    n: pooled.values.length,
    clusters: new Set(pooled.items).size,
    perSeed: bySeed.map((sample) => sample && mean(sample.values)),
  };
}

/** Whether seeds were tested on the same prompts. */
export function recurrence(samples: readonly ItemSample[]): Recurrence {
  const distinct = samples.map(({ items }) => new Set(items).size);
  const together = new Set(samples.flatMap(({ items }) => items)).size;
  if (distinct.reduce((sum, count) => sum + count, 0) === together) return "none";
  return distinct.every((count) => count === together) ? "all" : "some";
}

function interval(
  samples: readonly ItemSample[],
  { means, pooled }: { means: readonly number[]; pooled: ItemSample },
  options: Resampling,
): { ci95: [number, number] | null; method: string } {
  const prompts = new Set(pooled.items).size;
  const seeds = means.length > 1
    ? [{ ci95: studentTInterval(means), method: `t over ${means.length} seeds` }]
    : [];
  if (prompts < 2) return seeds[0] ?? { ci95: null, method: "one prompt" };
  if (seeds.length > 0 && recurrence(samples) === "none") return seeds[0];
  // The bootstrap is wide by about four of these and takes most of the time: where even eight are
  // narrower than t, it is not drawn.
  if (seeds.length > 0 && width(seeds[0].ci95) > 8 * clusteredError(pooled)) return seeds[0];
  const over = `bootstrap over ${prompts} prompts`;
  const method = seeds.length > 0 ? `${over}, ${means.length} seeds together` : over;
  const drawn = { ci95: bootstrapInterval(pooled, options), method };
  return seeds.length > 0 && width(seeds[0].ci95) >= width(drawn.ci95) ? seeds[0] : drawn;
}

/** All values together, scaled so that their mean is the mean over seeds. */
function poolSeeds(samples: readonly ItemSample[]): ItemSample {
  const n = samples.reduce((sum, { values }) => sum + values.length, 0);
  return {
    items: samples.flatMap(({ items }) => items),
    values: samples.flatMap(({ values }) => {
      const weight = n / (samples.length * values.length);
      return values.map((value) => weight * value);
    }),
  };
}

function width([low, high]: readonly [number, number]): number {
  return high - low;
}

function clipped(
  [low, high]: [number, number],
  [least, most]: readonly [number, number] = [-Infinity, Infinity],
): [number, number] {
  return [Math.max(least, low), Math.min(most, high)];
}
