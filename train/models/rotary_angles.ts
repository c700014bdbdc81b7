import { float32, type Tensor } from "../../core/tensor.ts";
import type { ModelConfig } from "./config.ts";

/** Cosines and sines of the rotary angles of consecutive positions, each (T, C/2). */
export interface RotaryTable {
  readonly cos: Tensor<"float32">;
  readonly sin: Tensor<"float32">;
}

/**
 * Rotary angles position · theta^(−2i/C) (Su et al., 2021) as graph inputs, grown as needed, so that
 * no graph has a longest sequence built in.
 */
export class RotaryAngles {
  readonly #half: number;
  readonly #theta: number;
  #positions = 0;
  #cos = new Float32Array();
  #sin = new Float32Array();

  constructor({ headDim, ropeTheta }: ModelConfig) {
    this.#half = headDim / 2;
    this.#theta = ropeTheta;
  }

  /** The rows of positions `start` … `start + count − 1`. */
  table(start: number, count: number): RotaryTable {
    if (start + count > this.#positions) this.#grow(Math.max(2 * this.#positions, start + count));
    const rows = (table: Float32Array) =>
      float32(
        [count, this.#half],
        table.subarray(start * this.#half, (start + count) * this.#half),
      );
    return { cos: rows(this.#cos), sin: rows(this.#sin) };
  }

  /** The rows of these positions, one after the other. */
  at(positions: Int32Array): RotaryTable {
    const longest = positions.reduce((most, position) => Math.max(most, position), 0);
    this.table(0, longest + 1);
    const rows = (table: Float32Array) => {
      const data = new Float32Array(positions.length * this.#half);
      positions.forEach((position, i) => {
        const row = position * this.#half;
        data.set(table.subarray(row, row + this.#half), i * this.#half);
      });
      return float32([positions.length, this.#half], data);
    };
    return { cos: rows(this.#cos), sin: rows(this.#sin) };
  }

  #grow(positions: number): void {
    this.#cos = new Float32Array(positions * this.#half);
    this.#sin = new Float32Array(positions * this.#half);
    for (let i = 0; i < this.#half; i++) {
      const frequency = this.#theta ** (-i / this.#half);
      for (let position = 0; position < positions; position++) {
        this.#cos[position * this.#half + i] = Math.cos(position * frequency);
        this.#sin[position * this.#half + i] = Math.sin(position * frequency);
      }
    }
    this.#positions = positions;
  }
}
