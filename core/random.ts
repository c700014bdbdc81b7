import { createHash } from "node:crypto";

/**
 * A seeded stream of random numbers: xoshiro128** (Blackman and Vigna, 2018), its state taken from
 * SHA-256 of the seed and the labels, so that streams with different labels are independent.
 *
 * @example
 * ```ts
 * import { Random } from "./random.ts";
 * const a = Random.seeded(1, "order").integer(1000);
 * if (a !== Random.seeded(1, "order").integer(1000)) throw new Error();
 * ```
 */
export class Random {
  #state: Uint32Array;

  private constructor(state: Uint32Array) {
    this.#state = state;
  }

  /** A stream for this seed and purpose. */
  static seeded(seed: number, ...labels: (string | number)[]): Random {
    const bytes = createHash("sha256").update(JSON.stringify([seed, ...labels])).digest();
    const state = new Uint32Array(4);
    for (let i = 0; i < 4; i++) state[i] = bytes.readUInt32LE(4 * i);
    if (state.every((word) => word === 0)) state[0] = 1;
    return new Random(state);
  }

  /** Uniform in 0 … 2³² − 1. */
  next(): number {
    const s = this.#state;
    const scrambled = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotateLeft(s[3], 11);
    return scrambled;
  }

  /** Uniform in [0, 1) with 53 random bits. */
  uniform(): number {
    return ((this.next() >>> 5) * 67108864 + (this.next() >>> 6)) / 9007199254740992;
  }

  /** Uniform in 0 … n − 1, without modulo bias. */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 4294967296) {
      throw new RangeError(`Expected n to be an integer from 1 to 2^32 but found ${n}.`);
    }
    const limit = 4294967296 - (4294967296 % n);
    for (;;) {
      const word = this.next();
      if (word < limit) return word % n;
    }
  }

  /** Uniform integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.integer(high - low + 1);
  }

  /** Standard normal (Box and Muller, 1958; the cosine half). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One element, uniformly. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)];
  }

  /** `count` different elements in random order. */
  sample<T>(items: readonly T[], count: number): T[] {
    const pool = [...items];
    for (let i = 0; i < count; i++) {
      const j = this.between(i, pool.length - 1);
      [pool[i], pool[j]] = [pool[j], pool[i]];
    }
    return pool.slice(0, count);
  }

  /** The items in a random order (Fisher and Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    return this.sample(items, items.length);
  }

  /** An index drawn in proportion to its weight. */
  weighted(weights: ArrayLike<number>): number {
    let total = 0;
    for (let i = 0; i < weights.length; i++) total += weights[i];
    let rest = this.uniform() * total;
    for (let i = 0; i < weights.length - 1; i++) {
      rest -= weights[i];
      if (rest < 0) return i;
    }
    return weights.length - 1;
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
