import { isAnyAsked, type Ranks, StoppedTogether, sumOf } from "./ranks.ts";

/**
 * A number for each row, each rank computing those of a part of the rows.
 *
 * @returns the numbers of all rows, in every rank
 * @throws StoppedTogether in all ranks when one of them was asked to stop
 */
export async function shareRows<Row>(
  rows: readonly Row[],
  compute: (rows: readonly Row[]) => Promise<ArrayLike<number>>,
  { ranks, signal }: { readonly ranks: Ranks; readonly signal?: AbortSignal },
): Promise<Float64Array> {
  const [from, to] = [ranks.rank, ranks.rank + 1].map((rank) =>
    Math.floor(rank * rows.length / ranks.size)
  );
  const numbers = new Float64Array(rows.length);
  try {
    numbers.set(await compute(rows.slice(from, to)), from);
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
  if (await isAnyAsked(ranks, signal)) throw new StoppedTogether("Scoring was stopped.");
  return await sumOf(ranks, numbers);
}
