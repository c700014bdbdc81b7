/** Something under way between processes. */
export interface Transfer {
  /** Waits until what it reads may be changed and what it writes is there. */
  finish(): Promise<void>;
}

/** Where each rank's part of an array lies, rank by rank, in elements. */
export interface Parts {
  readonly counts: Int32Array;
  readonly starts: Int32Array;
}

/**
 * Processes that compute one thing together, numbered from 0. Each calls the same functions in the same
 * order; what one of them sends, the others receive. A process that fails must end with an exit code
 * other than 0, so that those that wait for it are ended.
 */
export interface Ranks {
  /** This process's number. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;

  /** Sends each rank its part of `from`, and receives as many elements as `to` has parts for. */
  exchange(
    from: Float32Array,
    fromParts: Parts,
    to: Float32Array,
    toParts: Parts,
  ): Transfer;

  /** Each rank has its own part of `data`; afterwards all have all of it. */
  spread(data: Float32Array, parts: Parts): Transfer;

  /** What every rank gives, rank by rank; each gives as many. */
  collect(values: Float64Array): Promise<Float64Array[]>;

  /** The first rank's bytes, written over those of the others, which have as many. */
  broadcast(bytes: Uint8Array): Promise<void>;

  /** Takes leave of the others; nothing may be sent from then on. Waits for them. */
  end(): Promise<void>;
}

/** Σ of what the ranks give, element by element, from the first rank on: the same bytes everywhere. */
export async function sumOf(ranks: Ranks, values: ArrayLike<number>): Promise<Float64Array> {
  const sum = new Float64Array(values.length);
  for (const one of await ranks.collect(Float64Array.from(values))) {
    for (let i = 0; i < sum.length; i++) sum[i] += one[i];
  }
  return sum;
}

/** What all ranks throw at the same place when one of them was asked to stop. */
export class StoppedTogether extends Error {
  override readonly name = "AbortError";
}

/** Whether any rank was asked to stop; all must ask, and get the same answer. */
export async function isAnyAsked(ranks: Ranks, signal: AbortSignal | undefined): Promise<boolean> {
  const asked = Float64Array.of(signal?.aborted ? 1 : 0);
  return (await ranks.collect(asked)).some(([one]) => one === 1);
}

/** Waits until all ranks are here. */
export async function meet(ranks: Ranks): Promise<void> {
  await ranks.collect(new Float64Array(1));
}

/** The first rank's value of JSON; the others' own does not matter. */
export async function firstRanks<Value>(ranks: Ranks, value: Value): Promise<Value> {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const [first] = await ranks.collect(Float64Array.of(text.length));
  const bytes = ranks.rank === 0 ? text : new Uint8Array(first[0]);
  await ranks.broadcast(bytes);
  return JSON.parse(new TextDecoder().decode(bytes)) as Value;
}
