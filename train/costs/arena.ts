/** Every chunk is a multiple of as many bytes. */
const GRAIN = 256;

/** A chunk that is larger than what is asked for by as much is divided, also where that leaves less than half. */
const MOST_WASTED = 128 << 20;

/** What the first region has, and what regions grow to unless more is asked for at once. */
const [FIRST_REGION, GROWN_REGION] = [1 << 20, 1 << 30];

/** A part of a region: free, or somebody's. */
export interface Chunk {
  /** Where it lies: regions one after the other, in the order in which they were asked for. */
  readonly start: number;
  bytes: number;
  isFree: boolean;
  /** Neighbours in the same region. */
  before?: Chunk;
  after?: Chunk;
}

/**
 * The arena that a session of ONNX Runtime's CUDA provider hands out a GPU's memory from
 * (onnxruntime/core/framework/bfc_arena.cc), where it is set to extend by powers of two: the smallest free chunk
 * that is large enough serves, and is divided where much of it would be left; free neighbours become one; for what
 * no free chunk is large enough a region is added, twice as large as the last up to 1 GiB, or larger
 * where more is asked for, and none is given back.
 */
export class Arena {
  /** Smallest first, of equal ones that which lies first. */
  readonly #free: Chunk[] = [];
  #bytes = 0;
  #nextRegion = FIRST_REGION;

  /** Of all regions. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Gives a chunk of at least so many bytes; more than none. */
  allocate(bytes: number): Chunk {
    const wanted = Math.ceil(bytes / GRAIN) * GRAIN;
    const chunk = this.#take(wanted) ?? this.#extend(wanted);
    chunk.isFree = false;
    const rest = chunk.bytes - wanted;
    if (rest >= wanted || rest >= MOST_WASTED) this.#divide(chunk, wanted);
    return chunk;
  }

  /** Takes a chunk back. */
  free(chunk: Chunk): void {
    let whole = chunk;
    whole.isFree = true;
    for (const neighbour of [chunk.after, chunk.before]) {
      if (!neighbour?.isFree) continue;
      this.#free.splice(this.#placeOf(neighbour), 1);
      whole = neighbour === chunk.before ? joined(neighbour, whole) : joined(whole, neighbour);
    }
    this.#free.splice(this.#placeOf(whole), 0, whole);
  }

  #take(wanted: number): Chunk | undefined {
    return this.#free.splice(this.#placeOf({ bytes: wanted, start: 0 }), 1)[0];
  }

  #extend(wanted: number): Chunk {
    const isLargeEnough = wanted <= this.#nextRegion;
    while (this.#nextRegion < wanted) this.#nextRegion *= 2;
    const chunk = { start: this.#bytes, bytes: this.#nextRegion, isFree: true };
    this.#bytes += chunk.bytes;
    if (isLargeEnough) this.#nextRegion = Math.min(2 * this.#nextRegion, GROWN_REGION);
    return chunk;
  }

  #divide(chunk: Chunk, wanted: number): void {
    const rest: Chunk = {
      start: chunk.start + wanted,
      bytes: chunk.bytes - wanted,
      isFree: true,
      before: chunk,
      after: chunk.after,
    };
    if (rest.after !== undefined) rest.after.before = rest;
    chunk.after = rest;
    chunk.bytes = wanted;
    this.#free.splice(this.#placeOf(rest), 0, rest);
  }

  /** Where a free chunk stands, or would. */
  #placeOf({ bytes, start }: Pick<Chunk, "bytes" | "start">): number {
    let [low, high] = [0, this.#free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#free[middle];
      const isBefore = at.bytes < bytes || at.bytes === bytes && at.start < start;
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Two neighbours as one; the second is no more. */
function joined(first: Chunk, second: Chunk): Chunk {
  first.bytes += second.bytes;
  first.after = second.after;
  if (first.after !== undefined) first.after.before = first;
  return first;
}
