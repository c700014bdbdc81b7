/**
 * Values measured on items (prompts or pairs). Values of one item are correlated, so every
 * interval and test here treats the item, not the value, as the independent unit (the cluster).
 */
export interface ItemSample {
  /** The item of each value; the same id may occur more than once. */
  readonly items: readonly string[];
  /** One value an item entry, in the metric's unit. */
  readonly values: readonly number[];
}

/** Sum and count of the values of each item, in order of first occurrence. */
interface ClusterSums {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
}

/**
 * Adds up a sample item by item.
 *
 * @throws RangeError when items and values differ in number, or there is none
 */
export function clusterSums({ items, values }: ItemSample): ClusterSums {
  if (items.length !== values.length || items.length === 0) {
    throw new RangeError(
      `Expected as many items as values, and at least 1, but found ${items.length} items and ` +
        `${values.length} values.`,
    );
  }
  const index = new Map<string, number>();
  for (const item of items) if (!index.has(item)) index.set(item, index.size);
  const sums = new Float64Array(index.size);
  const counts = new Float64Array(index.size);
  items.forEach((item, i) => {
    const cluster = index.get(item)!;
    sums[cluster] += values[i];
    counts[cluster]++;
  });
  return { sums, counts };
}

/**
 * Standard error of a sample's mean, items being independent and the values of one item not:
 * √Σ(item's sum − mean · item's count)² / n, the linearised variance of a ratio.
 *
 * @throws RangeError when items and values differ in number, or there is none
 */
export function clusteredError(sample: ItemSample): number {
  const { sums, counts } = clusterSums(sample);
  const n = sample.values.length;
  const centre = sums.reduce((a, b) => a + b, 0) / n;
  return Math.sqrt(sums.reduce((sum, own, i) => sum + (own - centre * counts[i]) ** 2, 0)) / n;
}
