import type { Device } from "./runtime/open_runtime.ts";

/** Lanes that training has at most: each holds a run's activations, and gradients of its own. */
const MOST_TRAINING_LANES = 4;

/**
 * How many runs a training step has under way at once. On a processor runs on a thread each take less
 * time than one after the other on all threads, where what does not divide keeps threads waiting: LoRA
 * of 135M weights trained 1.13 times as fast. An adapter's gradients are small enough for each lane to
 * have its own; those of all weights are not: writing them twice took what the lanes spare.
 *
 * @returns a divisor of the threads, so that as many come to each lane
 */
export function trainingLanes(
  { adapter, threads, batchPairs, device = "cpu" }: {
    /** Present where it is what is trained. */
    readonly adapter?: unknown;
    readonly threads: number;
    readonly batchPairs: number;
    readonly device?: Device;
  },
): number {
  if (device !== "cpu" || adapter === undefined) return 1;
  const most = Math.min(threads, batchPairs, MOST_TRAINING_LANES);
  const divides = (lanes: number) => threads % lanes === 0;
  return Array.from({ length: most }, (_, i) => most - i).find(divides) ?? 1;
}

/**
 * Shares work out among lanes, the heaviest first, each to the lane with the least so far. It does not
 * hang on what takes how long, so that sums come out the same each time.
 *
 * @param costs what each piece of work takes, in any unit
 * @returns for each lane, which pieces are its own; a lane may have none
 */
export function shareOut(costs: readonly number[], lanes: number): number[][] {
  const shares = Array.from({ length: lanes }, () => ({ cost: 0, work: [] as number[] }));
  const heaviest = costs.map((_, i) => i).sort((a, b) => costs[b] - costs[a] || a - b);
  for (const i of heaviest) {
    const share = shares.reduce((least, other) => other.cost < least.cost ? other : least);
    share.work.push(i);
    share.cost += costs[i];
  }
  return shares.map(({ work }) => work);
}

/**
 * Works through several lanes side by side, the work of a lane in its order. Lanes may draw from one
 * iterator, so that each takes what comes next. Where work fails, no more is begun.
 *
 * Has ended only when all that was begun has: nobody's arrays are in use any more.
 *
 * @throws what the first lane to have failed threw
 */
export async function runLanes<Work>(
  lanes: readonly Iterable<Work>[],
  run: (work: Work, lane: number) => Promise<void>,
): Promise<void> {
  let failed = false;
  const ended = await Promise.allSettled(lanes.map(async (works, lane) => {
    for (const work of works) {
      if (failed) return;
      try {
        await run(work, lane);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }));
  for (const { reason } of ended.filter((end) => end.status === "rejected")) throw reason;
}
