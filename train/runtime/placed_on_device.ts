import {
  type Dtype,
  ELEMENT_BYTES,
  elementCount,
  newArray,
  type Tensor,
  type TypedArrayOf,
} from "../../core/tensor.ts";
import type { CudaMemory } from "./cuda/cuda_memory.ts";
import type { SharedHandle } from "./handles.ts";
import { requireAlike, requireFilled, requirePiece } from "./placed_tensor.ts";
import type { PlacedTensor } from "./runtime.ts";

/** A tensor in a GPU's memory, or a part of one. */
export class PlacedOnDevice<D extends Dtype = Dtype> implements PlacedTensor<D> {
  /** What the C API knows it by, made at its first use there. */
  value: SharedHandle | undefined;
  #memory: CudaMemory | undefined;

  /**
   * @param memory a share of it that is this tensor's to drop
   * @param offset bytes of it before the tensor begins
   */
  constructor(
    readonly dtype: D,
    readonly dims: readonly number[],
    memory: CudaMemory,
    readonly offset = 0,
  ) {
    this.#memory = memory;
  }

  /** What it lies in; `undefined` after its release. */
  get memory(): CudaMemory | undefined {
    return this.#memory;
  }

  get byteLength(): number {
    return elementCount(this.dims) * ELEMENT_BYTES[this.dtype];
  }

  // deno-lint-ignore require-await -- so that every failure is a rejection
  async read(): Promise<Tensor<D>> {
    const memory = this.#present();
    const data = newArray(this.dtype, elementCount(this.dims));
    memory.read(this.offset, bytesOf(data));
    return { dtype: this.dtype, dims: this.dims, data };
  }

  write(data: TypedArrayOf[D]): void {
    const memory = this.#present();
    requireFilled(this.dims, data.length);
    memory.write(this.offset, bytesOf(data));
  }

  clear(): void {
    this.#present().clear(this.offset, this.byteLength);
  }

  copyFrom(source: PlacedTensor<D>): void {
    requireAlike(source, this);
    const from = source as PlacedOnDevice<D>;
    this.#present().copy(this.offset, from.#present(), {
      offset: from.offset,
      bytes: this.byteLength,
    });
  }

  piece(start: number, count: number, dims: readonly number[] = [count]): PlacedTensor<D> {
    const memory = this.#present();
    requirePiece({ start, count }, elementCount(this.dims));
    requireFilled(dims, count);
    const offset = this.offset + start * ELEMENT_BYTES[this.dtype];
    return new PlacedOnDevice(this.dtype, dims, memory.share(), offset);
  }

  release(): void {
    this.value?.drop();
    this.value = undefined;
    this.#memory?.drop();
    this.#memory = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #present(): CudaMemory {
    if (this.#memory === undefined) throw new RangeError("The tensor has been released.");
    return this.#memory;
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: TypedArrayOf[Dtype]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
