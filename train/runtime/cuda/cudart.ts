/** The functions of the CUDA runtime library that we call; all but the last give a `cudaError_t`. */
const SYMBOLS = {
  cudaGetDeviceCount: { parameters: ["buffer"], result: "i32" },
  cudaSetDevice: { parameters: ["i32"], result: "i32" },
  cudaMalloc: { parameters: ["buffer", "usize"], result: "i32" },
  cudaFree: { parameters: ["usize"], result: "i32" },
  // (to, from, bytes, kind)
  cudaMemcpyToHost: {
    name: "cudaMemcpy",
    parameters: ["buffer", "usize", "usize", "i32"],
    result: "i32",
  },
  cudaMemcpyToDevice: {
    name: "cudaMemcpy",
    parameters: ["usize", "buffer", "usize", "i32"],
    result: "i32",
  },
  cudaMemcpyOnDevice: {
    name: "cudaMemcpy",
    parameters: ["usize", "usize", "usize", "i32"],
    result: "i32",
  },
  cudaMemset: { parameters: ["usize", "i32", "usize"], result: "i32" },
  cudaDeviceSynchronize: { parameters: [], result: "i32" },
  // (free, total)
  cudaMemGetInfo: { parameters: ["buffer", "buffer"], result: "i32" },
  cudaRuntimeGetVersion: { parameters: ["buffer"], result: "i32" },
  cudaDriverGetVersion: { parameters: ["buffer"], result: "i32" },
  cudaGetErrorString: { parameters: ["i32"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

const HOST_TO_DEVICE = 1;
const DEVICE_TO_HOST = 2;
const DEVICE_TO_DEVICE = 3;
const OUT_OF_MEMORY = 2;

/** A GPU has no room for what was asked of it. */
export class OutOfDeviceMemory extends Error {
  override readonly name = "OutOfDeviceMemory";
}

/** The CUDA runtime library, for what ONNX Runtime does not do: memory that outlives a session. */
export class Cudart {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;

  /** @throws Error when the library does not load, or has no such device */
  constructor(path: string, readonly device: number) {
    this.#library = Deno.dlopen(path, SYMBOLS);
    const count = this.#number((out) => this.#library.symbols.cudaGetDeviceCount(out));
    if (device >= count) {
      throw new Error(`Expected a device below ${count}, the GPUs there are, but found ${device}.`);
    }
    this.#use();
  }

  /** What the library and the driver can do, such as 13000. */
  versions(): { readonly runtime: number; readonly driver: number } {
    const { symbols } = this.#library;
    return {
      runtime: this.#number((out) => symbols.cudaRuntimeGetVersion(out)),
      driver: this.#number((out) => symbols.cudaDriverGetVersion(out)),
    };
  }

  /** Bytes of the device that nobody uses, and all of them. */
  memory(): { readonly free: number; readonly total: number } {
    this.#use();
    const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
    this.#check(this.#library.symbols.cudaMemGetInfo(free, total), "asking for free memory");
    return { free: Number(free[0]), total: Number(total[0]) };
  }

  /** @throws OutOfDeviceMemory when there is no room */
  allocate(bytes: number): bigint {
    this.#use();
    const out = new BigUint64Array(1);
    const code = this.#library.symbols.cudaMalloc(out, BigInt(bytes));
    if (code === OUT_OF_MEMORY) {
      const { free, total } = this.memory();
      throw new OutOfDeviceMemory(
        `The GPU has no room for ${bytes} bytes more: ${free} of ${total} are free.`,
      );
    }
    this.#check(code, `allocating ${bytes} bytes`);
    return out[0];
  }

  /** Gives memory back. */
  free(address: bigint): void {
    this.#check(this.#library.symbols.cudaFree(address), "freeing memory");
  }

  /** Copies and waits until the bytes are there. */
  toDevice(to: bigint, from: Uint8Array<ArrayBuffer>): void {
    const { symbols } = this.#library;
    const bytes = BigInt(from.length);
    this.#check(symbols.cudaMemcpyToDevice(to, from, bytes, HOST_TO_DEVICE), "copying to the GPU");
    // The last of it may still be under way, and sessions' streams wait for nobody.
    this.synchronize();
  }

  /** Copies and waits until the bytes are there. */
  toHost(to: Uint8Array<ArrayBuffer>, from: bigint): void {
    const { symbols } = this.#library;
    const bytes = BigInt(to.length);
    this.#check(symbols.cudaMemcpyToHost(to, from, bytes, DEVICE_TO_HOST), "copying from the GPU");
  }

  /** Copies on the device and waits until the bytes are there. */
  onDevice(to: bigint, from: bigint, bytes: number): void {
    const { symbols } = this.#library;
    const code = symbols.cudaMemcpyOnDevice(to, from, BigInt(bytes), DEVICE_TO_DEVICE);
    this.#check(code, "copying on the GPU");
    this.synchronize();
  }

  /** Sets bytes to zero and waits until they are. */
  clear(address: bigint, bytes: number): void {
    this.#check(this.#library.symbols.cudaMemset(address, 0, BigInt(bytes)), "clearing memory");
    this.synchronize();
  }

  /** Waits until the device has nothing to do. */
  synchronize(): void {
    this.#check(this.#library.symbols.cudaDeviceSynchronize(), "waiting for the GPU");
  }

  /** Devices are chosen by thread. */
  #use(): void {
    this.#check(this.#library.symbols.cudaSetDevice(this.device), "choosing the GPU");
  }

  #number(read: (out: Int32Array<ArrayBuffer>) => number): number {
    const out = new Int32Array(1);
    this.#check(read(out), "asking CUDA");
    return out[0];
  }

  #check(code: number, what: string): void {
    if (code === 0) return;
    const text = this.#library.symbols.cudaGetErrorString(code);
    const said = text === null ? "unknown" : Deno.UnsafePointerView.getCString(text);
    throw new Error(`CUDA failed at ${what}: ${said} (error ${code}).`);
  }
}
