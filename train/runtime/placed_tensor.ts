import { type Dtype, elementCount, type Tensor, type TypedArrayOf } from "../../core/tensor.ts";
import type { SharedHandle } from "./handles.ts";
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
    const size = elementCount(tensor.dims);
    if (tensor.data.length !== size) {
      throw new RangeError(
        `Expected ${size} elements for shape [${
          tensor.dims.join(", ")
        }] but found ${tensor.data.length}.`,
      );
    }
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

  piece(start: number, count: number): PlacedTensor<D> {
    const { dtype, data } = this.#present();
    const inside = Number.isInteger(start) && Number.isInteger(count) && start >= 0 && count >= 0 &&
      start + count <= data.length;
    if (!inside) {
      throw new RangeError(
        `Expected a piece of ${data.length} elements but found ${count} from ${start}.`,
      );
    }
    const view = data.subarray(start, start + count) as TypedArrayOf[D];
    return new PlacedOnHost({ dtype, dims: [count], data: view });
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

/**
 * The host tensor behind either kind.
 *
 * @param name of the input or output, for the error
 * @throws RangeError when it is a placed one that has been released
 */
export function hostTensor(name: string, tensor: Tensor | PlacedTensor): Tensor {
  if ("data" in tensor) return tensor;
  if (!(tensor instanceof PlacedOnHost)) {
    throw new TypeError(`"${name}": expected a tensor that a runtime on the CPU placed.`);
  }
  const present = (tensor as PlacedOnHost).tensor;
  if (present === undefined) throw new RangeError(`"${name}": the tensor has been released.`);
  return present;
}
