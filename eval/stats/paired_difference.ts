import { bootstrapInterval, type Resampling } from "./bootstrap.ts";
import { mean, standardDeviation } from "./moments.ts";
import { signFlipTest } from "./sign_flip.ts";

/** Two systems on the same items. */
export interface PairedDifference {
  /** Mean of a − b over the items that both have, in the values' unit. */
  readonly difference: number;
  /** Bootstrap over clusters; null for a single one. */
  readonly ci95: readonly [number, number] | null;
  /** Two-sided, from flipping the signs of clusters. */
  readonly pValue: number;
  /** Of the items' differences; null for a single item. */
  readonly deviation: number | null;
  /** Items that both have. */
  readonly n: number;
  /** Items that only one of the two has. */
  readonly unpaired: number;
}

/**
 * Compares two systems item by item.
 *
 * @param a value of each item, by its id
 * @param b the other system's
 * @param options.clusterOf what makes items dependent; each is on its own unless told
 * @returns null when no item is in both
 *
 * @example
 * ```ts
 * import { pairedDifference } from "./paired_difference.ts";
 * const a = new Map([["p1", 1], ["p2", 3], ["p3", 9]]);
 * const compared = pairedDifference(a, new Map([["p2", 2], ["p1", 0]]), { seed: 0 });
 * if (compared?.difference !== 1 || compared.n !== 2 || compared.unpaired !== 1) throw new Error();
 * ```
 */
export function pairedDifference(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  options: Resampling & { readonly clusterOf?: (item: string) => string },
): PairedDifference | null {
  const { clusterOf = (item) => item, ...resampling } = options;
  const shared = [...a.keys()].filter((item) => b.has(item));
  if (shared.length === 0) return null;
  const values = shared.map((item) => a.get(item)! - b.get(item)!);
  const sample = { items: shared.map(clusterOf), values };
  return {
    difference: mean(values),
    ci95: new Set(sample.items).size < 2 ? null : bootstrapInterval(sample, resampling),
    pValue: signFlipTest(sample, resampling),
    deviation: values.length < 2 ? null : standardDeviation(values),
    n: shared.length,
    unpaired: a.size + b.size - 2 * shared.length,
  };
}
