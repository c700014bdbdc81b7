import { Random } from "../../core/random.ts";
import { clusterSums, type ItemSample } from "./sample.ts";

/** How a resampling method draws. */
export interface Resampling {
  readonly seed: number;
  /** How many times to draw; 10,000 unless told. */
  readonly resamples?: number;
}

/**
 * The 95% percentile bootstrap interval of a mean (Efron, 1979), resampling whole items, so that
 * several values of one prompt count as one observation.
 *
 * @throws RangeError when items and values differ in number, or there is none
 *
 * @example
 * ```ts
 * import { bootstrapInterval } from "./bootstrap.ts";
 * const sample = { items: ["p1", "p2"], values: [3, 3] };
 * const [low, high] = bootstrapInterval(sample, { seed: 1 });
 * if (low !== 3 || high !== 3) throw new Error();
 * ```
 */
export function bootstrapInterval(
  sample: ItemSample,
  { seed, resamples = 10_000 }: Resampling,
): [number, number] {
  const { sums, counts } = clusterSums(sample);
  const random = Random.seeded(seed, "bootstrap");
  const means = new Float64Array(resamples);
  // Scaling a 32-bit word is off by less than n/2³², and four times as fast as an exact draw.
  const scale = sums.length / 2 ** 32;
  for (let draw = 0; draw < resamples; draw++) {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < sums.length; i++) {
      const cluster = Math.floor(random.next() * scale);
      sum += sums[cluster];
      count += counts[cluster];
    }
    means[draw] = sum / count;
  }
  means.sort();
  return [percentile(means, 2.5), percentile(means, 97.5)];
}

/**
 * The value below which `percent` of the sorted values lie, interpolated linearly between
 * neighbours (numpy's default, Hyndman and Fan's type 7).
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  if (sorted.length === 0) throw new RangeError("Expected at least 1 value but found 0.");
  const position = (sorted.length - 1) * percent / 100;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
