import { type Dtype, ELEMENT_BYTES, elementCount, type Tensor } from "../../../core/tensor.ts";
import type { Handle } from "../handles.ts";
import { libraryPath } from "../library_path.ts";
import { addressOf, cString, type OnnxruntimeLibrary } from "../onnxruntime_library.ts";
import { PlacedOnDevice } from "../placed_on_device.ts";
import { requireFilled } from "../placed_tensor.ts";
import type { Device, PlacedTensor } from "../runtime.ts";
import { requireInstalled } from "./cuda_installation.ts";
import { CudaMemory } from "./cuda_memory.ts";
import { Cudart } from "./cudart.ts";
import { keepLoaded } from "./keep_loaded.ts";

/** A GPU of this machine, as ONNX Runtime's CUDA provider and the CUDA runtime library know it. */
export class CudaDevice {
  readonly #library: OnnxruntimeLibrary;
  readonly #cudart: Cudart;

  /**
   * Loads what CUDA needs.
   *
   * @throws ExpectedError when the provider is not installed, is of another version, or a library of
   *   CUDA's is missing; Error with CUDA's own text when there is no such GPU
   */
  constructor(library: OnnxruntimeLibrary, readonly number: number) {
    const { libraries } = requireInstalled(library.version);
    keepLoaded(libraryPath()!);
    // Found by name from now on, by the provider that needs them.
    for (const path of libraries) loadOnce(path);
    this.#library = library;
    this.#cudart = new Cudart(libraries[0], number);
  }

  /** Bytes of the device that nobody uses, and all of them. */
  memory(): { readonly free: number; readonly total: number } {
    return this.#cudart.memory();
  }

  /** Has a session compute here. */
  append(options: Handle, { tf32 }: { readonly tf32: boolean }): void {
    const { api } = this.#library;
    using cuda = this.#library.create(
      "CUDAProviderOptions",
      (out) => api.CreateCUDAProviderOptions(out),
    );
    const entries = {
      device_id: String(this.number),
      use_tf32: tf32 ? "1" : "0",
      // It grows by ever larger regions, of 1 GiB at most unless a tensor needs more. By just what it lacks it
      // would keep pieces that runs of other lengths cannot use: twice as much after a hundred steps.
      arena_extend_strategy: "kNextPowerOfTwo",
    };
    const [keys, values] = [Object.keys(entries), Object.values(entries)]
      .map((texts) => texts.map(cString));
    this.#library.check(
      api.UpdateCUDAProviderOptions(
        cuda.address,
        BigUint64Array.from(keys, addressOf),
        BigUint64Array.from(values, addressOf),
        BigInt(keys.length),
      ),
    );
    this.#library.check(
      api.SessionOptionsAppendExecutionProvider_CUDA_V2(options.address, cuda.address),
    );
  }

  /** @throws OutOfDeviceMemory when there is no room */
  place<D extends Dtype>({ dtype, dims, data }: Tensor<D>): PlacedTensor<D> {
    requireFilled(dims, data.length);
    const placed = this.#allocate(dtype, dims);
    placed.write(data);
    return placed;
  }

  /** @throws OutOfDeviceMemory when there is no room */
  zeros<D extends Dtype>(dtype: D, dims: readonly number[]): PlacedTensor<D> {
    const placed = this.#allocate(dtype, dims);
    placed.clear();
    return placed;
  }

  #allocate<D extends Dtype>(dtype: D, dims: readonly number[]): PlacedTensor<D> {
    const bytes = elementCount(dims) * ELEMENT_BYTES[dtype];
    const memory = new CudaMemory(this.#cudart, bytes);
    return new PlacedOnDevice(dtype, dims, memory);
  }
}

const devices = new Map<number, CudaDevice>();

/**
 * A GPU by its name, such as `cuda:0`; opened once a process.
 *
 * @throws as the constructor does
 */
export function openCuda(library: OnnxruntimeLibrary, device: Device): CudaDevice {
  const number = Number(device.slice("cuda:".length));
  let opened = devices.get(number);
  if (opened === undefined) devices.set(number, opened = new CudaDevice(library, number));
  return opened;
}

const loaded = new Set<string>();

function loadOnce(path: string): void {
  if (loaded.has(path)) return;
  Deno.dlopen(path, {});
  loaded.add(path);
}
