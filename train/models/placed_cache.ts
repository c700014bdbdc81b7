import type { Precision } from "../precision.ts";
import type { PlacedTensor, Runtime } from "../runtime/open_runtime.ts";
import type { ModelConfig } from "./config.ts";
import { cacheNames } from "./decoder_graph.ts";
import type { CacheRoom, CacheView, RowCache } from "./key_value_cache.ts";

/** As `KeyValueCache`, where sessions compute: nothing of it comes to the host. */
export class PlacedCache implements RowCache {
  readonly floats: number;
  readonly #runtime: Runtime;
  readonly #precision: Precision;
  readonly #names: readonly string[];
  readonly #heads: number;
  readonly #width: number;
  #buffers: readonly PlacedTensor<Precision>[] = [];
  /** Elements of each. */
  #size = 0;
  #positions = 0;

  /** @param precision what keys and values are held in */
  constructor(
    runtime: Runtime,
    config: Pick<ModelConfig, "layers" | "keyValueHeads" | "headDim">,
    precision: Precision,
  ) {
    this.#runtime = runtime;
    this.#precision = precision;
    this.#names = cacheNames(config);
    this.#heads = config.keyValueHeads;
    this.#width = config.headDim;
    this.floats = this.#names.length * this.#heads * this.#width;
  }

  get positions(): number {
    return this.#positions;
  }

  reserve({ rows, positions }: CacheRoom, used: number): boolean {
    const before = this.#positions;
    const after = used === 0 ? positions : Math.max(before, positions);
    const size = rows * this.#heads * this.#width * after;
    if (size <= this.#size && (after === before || used === 0)) {
      this.#positions = after;
      return after !== before;
    }
    const kept = this.#buffers;
    this.#size = Math.max(size, this.#size);
    this.#positions = after;
    // Zeros, since what is not read is still multiplied, by zero.
    this.#buffers = this.#names.map(() => this.#runtime.zeros(this.#precision, [this.#size]));
    kept.forEach((source, i) => {
      this.#moveRows(source, this.#buffers[i], { rows: used, positions: before });
      source.release();
    });
    return true;
  }

  view(first: number, rows: number): CacheView {
    const row = this.#heads * this.#positions * this.#width;
    const dims = [rows, this.#heads, this.#positions, this.#width];
    const pieces = this.#buffers.map((buffer) => buffer.piece(first * row, rows * row, dims));
    const tensors = Object.fromEntries(this.#names.map((name, i) => [name, pieces[i]]));
    return { tensors, [Symbol.dispose]: () => pieces.forEach((piece) => piece.release()) };
  }

  copyRow(from: number, to: number): void {
    if (from === to) return;
    const row = this.#heads * this.#positions * this.#width;
    for (const buffer of this.#buffers) copyPiece(buffer, buffer, [from * row, to * row, row]);
  }

  release(): void {
    for (const buffer of this.#buffers) buffer.release();
    this.#buffers = [];
    [this.#size, this.#positions] = [0, 0];
  }

  /** Copies rows of so many positions to where there is room for as many as there is now. */
  #moveRows(
    source: PlacedTensor<Precision>,
    target: PlacedTensor<Precision>,
    { rows, positions }: CacheRoom,
  ): void {
    const [old, now] = [positions, this.#positions].map((count) => count * this.#width);
    const blocks = rows * this.#heads;
    if (old === now) return copyPiece(source, target, [0, 0, blocks * old]);
    for (let block = 0; block < blocks; block++) {
      copyPiece(source, target, [block * old, block * now, old]);
    }
  }
}

/** Copies `count` elements from one place to another. */
function copyPiece(
  source: PlacedTensor<Precision>,
  target: PlacedTensor<Precision>,
  [from, to, count]: readonly [number, number, number],
): void {
  if (count === 0) return;
  using read = source.piece(from, count);
  using written = target.piece(to, count);
  written.copyFrom(read);
}
