import { Random } from "../../core/random.ts";
import type { Resampling } from "./bootstrap.ts";
import { clusterSums, type ItemSample } from "./sample.ts";

/** Up to this many items with a difference, every sign pattern is tried (2¹⁶ of them). */
const EXACT_ITEMS = 16;

/**
 * Two-sided p-value of a paired permutation test: how often the sum of the differences is at least
 * as far from zero as seen when each *item's* differences change sign together at random. Exact for
 * up to 16 items with a difference; else Monte Carlo, the observed pattern counted among the draws
 * (Phipson and Smyth, 2010), so that p is never 0.
 *
 * @param differences a − b for each pair; 1 is returned when all are 0
 * @throws RangeError when items and values differ in number, or there is none
 */
export function signFlipTest(
  differences: ItemSample,
  { seed, resamples = 10_000 }: Resampling,
): number {
  const sums = clusterSums(differences).sums.filter((sum) => sum !== 0);
  if (sums.length === 0) return 1;
  const total = sums.reduce((a, b) => a + b, 0);
  const scale = sums.reduce((a, b) => a + Math.abs(b), 0);
  // A pattern equal to the observed one in exact arithmetic must count in spite of rounding.
  const bound = Math.abs(total) - 1e-12 * scale;
  return sums.length <= EXACT_ITEMS
    ? exactShare(sums, bound)
    : sampledShare(sums, bound, { seed, resamples });
}

/** Walks all sign patterns in Gray-code order, so that each costs one addition. */
function exactShare(sums: Float64Array, bound: number): number {
  const patterns = 2 ** sums.length;
  const signs = new Int8Array(sums.length).fill(1);
  let total = sums.reduce((a, b) => a + b, 0);
  let extreme = 0;
  for (let pattern = 1; pattern <= patterns; pattern++) {
    if (Math.abs(total) >= bound) extreme++;
    if (pattern === patterns) break;
    const flipped = Math.log2(pattern & -pattern);
    signs[flipped] = -signs[flipped];
    total += 2 * signs[flipped] * sums[flipped];
  }
  return extreme / patterns;
}

function sampledShare(sums: Float64Array, bound: number, draws: Required<Resampling>): number {
  const random = Random.seeded(draws.seed, "sign-flip");
  let extreme = 1;
  for (let draw = 0; draw < draws.resamples; draw++) {
    let total = 0;
    let bits = 0;
    for (let i = 0; i < sums.length; i++) {
      if (i % 32 === 0) bits = random.next();
      total += bits & 1 ? sums[i] : -sums[i];
      bits >>>= 1;
    }
    if (Math.abs(total) >= bound) extreme++;
  }
  return extreme / (draws.resamples + 1);
}
