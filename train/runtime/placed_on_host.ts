import {
  type Dtype,
  elementCount,
  newArray,
  type Tensor,
  type TypedArrayOf,
} from "../../core/tensor.ts";
import type { SharedHandle } from "./handles.ts";
import { requireAlike, requireFilled, requirePiece } from "./placed_tensor.ts";
import type { PlacedTensor } from "./runtime.ts";

/** A tensor in host memory that runs read and write where it is: what the CPU needs, no more. */
export class PlacedOnHost<D extends Dtype = Dtype> implements PlacedTensor<D> {
  readonly dtype: D;
  readonly dims: readonly number[];
  /** What the C API knows it by, made at its first use there. */
  value: SharedHandle | undefined;
  #tensor: Tensor<D> | undefined;

  /** @throws RangeError when the data does not fill the shape */
  constructor(tensor: Tensor<D>) {
    requireFilled(tensor.dims, tensor.data.length);
    this.dtype = tensor.dtype;
    this.dims = tensor.dims;
    this.#tensor = tensor;
  }

  /** The tensor, live; `undefined` after its release. */
  get tensor(): Tensor<D> | undefined {
    return this.#tensor;
  }

  // deno-lint-ignore require-await -- so that every failure is a rejection
  async read(): Promise<Tensor<D>> {
    return this.#present();
  }

  write(values: TypedArrayOf[D]): void {
    const { data } = this.#present();
    requireFilled(this.dims, values.length);
    if (values !== data) data.set(values as Float32Array & BigInt64Array);
  }

  clear(): void {
    const { data } = this.#present();
    if (data instanceof BigInt64Array) data.fill(0n);
    else data.fill(0);
  }

  copyFrom(source: PlacedTensor<D>): void {
    requireAlike(source, this);
    const values = (source as PlacedOnHost<D>).#present().data;
    this.#present().data.set(values as Float32Array & BigInt64Array);
  }

  piece(start: number, count: number, dims: readonly number[] = [count]): PlacedTensor<D> {
    const { dtype, data } = this.#present();
    requirePiece({ start, count }, data.length);
    const view = data.subarray(start, start + count) as TypedArrayOf[D];
    return new PlacedOnHost({ dtype, dims, data: view });
  }

  release(): void {
    this.#tensor = undefined;
    this.value?.drop();
    this.value = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #present(): Tensor<D> {
    if (this.#tensor === undefined) throw new RangeError("The tensor has been released.");
    return this.#tensor;
  }
}

/** Zeros in host memory. */
export function zerosOnHost<D extends Dtype>(
  dtype: D,
  dims: readonly number[],
): PlacedOnHost<D> {
  return new PlacedOnHost({ dtype, dims, data: newArray(dtype, elementCount(dims)) });
}
