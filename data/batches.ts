import { requirePositiveIntegers } from "../core/positive_integers.ts";
import { Random } from "../core/random.ts";

/** How rows are put in order. Both wrap: after the last row the first (of a new shuffle) follows. */
export type BatchOrder = "sequential" | "shuffled";

/** The rows of one step. A pure function of the step, so that a resumed run needs no position file. */
export interface BatchPlan {
  /** Rows in the data set. */
  readonly count: number;
  /** Rows a step. */
  readonly batchSize: number;
  readonly order: BatchOrder;
  readonly seed: number;
}

/**
 * The row numbers of a step.
 *
 * Rows form one endless stream, epoch after epoch; step `s` (from 1) takes the `batchSize` rows from
 * position `(s − 1) · batchSize`. Under `shuffled` each epoch has its own permutation, a function
 * of the seed and the epoch alone.
 *
 * @throws RangeError when the step, the count or the batch size is not a positive integer
 *
 * @example
 * ```ts
 * import { batchRows } from "./batches.ts";
 * const rows = batchRows({ count: 3, batchSize: 2, order: "sequential", seed: 0 }, 2);
 * if (rows.join() !== "2,0") throw new Error();
 * ```
 */
export function batchRows(plan: BatchPlan, step: number): number[] {
  requirePositiveIntegers({ step, count: plan.count, batchSize: plan.batchSize });
  const permutations = new Map<number, readonly number[]>();
  return Array.from({ length: plan.batchSize }, (_, i) => {
    const position = (step - 1) * plan.batchSize + i;
    const row = position % plan.count;
    if (plan.order === "sequential") return row;
    const epoch = Math.floor(position / plan.count);
    let permutation = permutations.get(epoch);
    if (permutation === undefined) {
      const rows = Array.from({ length: plan.count }, (_, r) => r);
      permutation = Random.seeded(plan.seed, "order", epoch).shuffled(rows);
      permutations.set(epoch, permutation);
    }
    return permutation[row];
  });
}
