import { float32 } from "../../core/tensor.ts";
import type { NamedTensors } from "../runtime/open_runtime.ts";
import type { ModelConfig } from "./config.ts";
import { cacheNames } from "./decoder_graph.ts";

/** How many rows a cache is to hold, and how many positions of each. */
export interface CacheRoom {
  readonly rows: number;
  readonly positions: number;
}

/** A cache's tensors while runs read and write them; what it holds of them is given back at its end. */
export interface CacheView extends Disposable {
  /** (rows, K, U, C) each, by `cacheNames`. */
  readonly tensors: NamedTensors;
}

/** The keys and values of rows that are being decoded, wherever they are. */
export interface RowCache {
  /** Floats that a position of one row takes, all layers together. */
  readonly floats: number;
  /** U: positions that each row has room for. */
  readonly positions: number;
  /**
   * Makes room for so much at the least, keeping the first `used` rows.
   *
   * @returns whether tensors lie elsewhere than before
   */
  reserve(room: CacheRoom, used: number): boolean;
  /** Rows `first` … `first + rows − 1` of each tensor. */
  view(first: number, rows: number): CacheView;
  /** Overwrites a row with the first positions of another; the rest of it is not read any more. */
  copyRow(from: number, to: number, positions: number): void;
  /** Gives its memory back. */
  release(): void;
}

/**
 * The keys and values of rows that are being decoded, on the host. Every row has room for U positions, so that a
 * step writes one of them and copies nothing; row by row, head by head they lie side by side.
 */
export class KeyValueCache implements RowCache {
  readonly floats: number;
  /** Of its tensors. */
  readonly #names: readonly string[];
  readonly #heads: number;
  readonly #width: number;
  #buffers: readonly Float32Array[];
  #positions = 0;

  constructor(config: Pick<ModelConfig, "layers" | "keyValueHeads" | "headDim">) {
    this.#names = cacheNames(config);
    this.#heads = config.keyValueHeads;
    this.#width = config.headDim;
    this.floats = this.#names.length * this.#heads * this.#width;
    this.#buffers = this.#names.map(() => new Float32Array());
  }

  get positions(): number {
    return this.#positions;
  }

  reserve({ rows, positions }: CacheRoom, used: number): boolean {
    const before = this.#positions;
    const after = used === 0 ? positions : Math.max(before, positions);
    const size = rows * this.#heads * this.#width * after;
    const fits = this.#buffers[0].length >= size;
    if (fits && after === before) return false;
    this.#positions = after;
    const blocks = used * this.#heads;
    this.#buffers = this.#buffers.map((buffer) => {
      const target = fits ? buffer : new Float32Array(size);
      // From the last on, since each moves to a later place, if at all.
      for (let block = blocks - 1; block >= 0; block--) {
        const start = block * before * this.#width;
        const end = start + before * this.#width;
        const to = block * after * this.#width;
        if (fits) buffer.copyWithin(to, start, end);
        else target.set(buffer.subarray(start, end), to);
      }
      return target;
    });
    return true;
  }

  view(first: number, rows: number): CacheView {
    const row = this.#heads * this.#positions * this.#width;
    const dims = [rows, this.#heads, this.#positions, this.#width];
    const piece = (buffer: Float32Array) =>
      float32(dims, buffer.subarray(first * row, (first + rows) * row));
    const tensors = Object.fromEntries(
      this.#names.map((name, i) => [name, piece(this.#buffers[i])]),
    );
    return { tensors, [Symbol.dispose]: () => {} };
  }

  copyRow(from: number, to: number, positions: number): void {
    if (from === to) return;
    for (const buffer of this.#buffers) {
      for (let head = 0; head < this.#heads; head++) {
        const [source, target] = [from, to].map((row) =>
          (row * this.#heads + head) * this.#positions * this.#width
        );
        buffer.copyWithin(target, source, source + positions * this.#width);
      }
    }
  }

  release(): void {
    this.#buffers = this.#names.map(() => new Float32Array());
    this.#positions = 0;
  }
}
