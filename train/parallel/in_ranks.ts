import { MpiRanks } from "./mpi_ranks.ts";
import { type Ranks, StoppedTogether } from "./ranks.ts";

/**
 * Runs something in each of several processes, as one of them; by itself where there is one. All must
 * run the same.
 *
 * A process in which it fails must end with an exit code other than 0, by which `mpiexec` ends the
 * others: they wait for it.
 *
 * @param processes how many there must be
 * @returns what it gave in the first one; null in the others
 * @throws ExpectedError when MPICH is not there, or other processes were started than expected
 */
export async function inRanks<Result>(
  processes: number,
  run: (ranks: Ranks | undefined) => Promise<Result>,
): Promise<Result | null> {
  if (processes === 1) return await run(undefined);
  const ranks = MpiRanks.open(processes);
  try {
    const result = await run(ranks);
    await ranks.end();
    return ranks.rank === 0 ? result : null;
  } catch (error) {
    if (error instanceof StoppedTogether) await ranks.end();
    throw error;
  }
}
