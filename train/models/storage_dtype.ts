import { InputError, type Problem } from "../../core/problem.ts";
import type { Tensor } from "../../core/tensor.ts";

/** The element types that weights are written in, by PyTorch's names. */
export const STORAGE_DTYPES = ["float32", "bfloat16", "float16"] as const;
export type StorageDtype = (typeof STORAGE_DTYPES)[number];

interface Storage {
  /** Safetensors' name of it. */
  readonly name: "F32" | "BF16" | "F16";
  /** Bytes of an element. */
  readonly size: number;
  /** The nearest element to each number, ties to even; infinite where that is out of range. */
  readonly encode: (data: Float32Array) => Uint8Array;
}

/** How each is stored, little-endian. */
export const STORAGE: { readonly [D in StorageDtype]: Storage } = {
  float32: { name: "F32", size: 4, encode: bytesOf },
  bfloat16: { name: "BF16", size: 2, encode: upperHalves },
  float16: { name: "F16", size: 2, encode: (data) => bytesOf(Float16Array.from(data)) },
};

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A bfloat16 is the upper half of a float32; adding just under half of its last bit rounds. */
function upperHalves(data: Float32Array): Uint8Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(data.length);
  for (let i = 0; i < halves.length; i++) {
    // Rounding up the bits of a NaN could make it infinite, or wrap around.
    const rounded = Number.isNaN(data[i])
      ? bits[i] | 0x400000
      : bits[i] + 0x7fff + (bits[i] >>> 16 & 1);
    halves[i] = rounded >>> 16;
  }
  return new Uint8Array(halves.buffer);
}

/**
 * Refuses finite weights that a type of fewer bits would make infinite.
 *
 * @throws InputError with every weight that is out of the type's range
 */
export function requireInRange(
  weights: ReadonlyMap<string, Tensor<"float32">>,
  dtype: StorageDtype,
): void {
  if (dtype === "float32") return;
  const problems: Problem[] = [];
  for (const [name, { data }] of weights) {
    let largest = 0;
    for (const value of data) {
      const size = Math.abs(value);
      if (size > largest && size !== Infinity) largest = size;
    }
    if (largest < LEAST_TOO_LARGE[dtype]) continue;
    const message = `Expected weights that ${dtype} can hold but found one of size ${largest}. ` +
      `Store them as ${dtype === "float16" ? "bfloat16 or float32" : "float32"}.`;
    problems.push({ path: name, message });
  }
  if (problems.length > 0) throw new InputError(problems);
}

/** From here on rounding gives infinity: the largest number, and half of its last bit. */
const LEAST_TOO_LARGE = { float16: 65520, bfloat16: (2 - 2 ** -8) * 2 ** 127 } as const;
