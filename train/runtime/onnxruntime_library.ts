import { bindCApi, type CApi } from "./c_api.ts";
import { Handle, type HandleKind } from "./handles.ts";
import { libraryPath } from "./library_path.ts";

/** The version that the table of the C API was checked against. */
const VERSION = "1.29.";
const API_VERSION = 29;
/** `ORT_LOGGING_LEVEL_FATAL`: errors are thrown with their text; printing them would say it twice. */
export const FATAL = 4;
const DEVICE_ALLOCATOR = 0;
const ARENA_ALLOCATOR = 1;
const DEFAULT_MEMORY = 0;

/** Kinds with a function of their own that gives them back. */
type ReleasedKind = Exclude<HandleKind, "String" | "DeviceMemory">;

/** libonnxruntime in this process, with its environment. */
export class OnnxruntimeLibrary {
  /** Its environment, of which a process has one; it lives as long as the process. */
  readonly environment: bigint;
  /** Describes plain host memory; lives as long as the process. */
  readonly hostMemory: bigint;
  readonly #allocator: bigint;
  readonly #devices = new Map<number, bigint>();
  readonly #out = new BigUint64Array(1);

  /** @throws Error with ONNX Runtime's own text when it cannot make an environment */
  constructor(readonly api: CApi, readonly version: string) {
    this.environment = this.#value((out) => api.CreateEnv(FATAL, cString("ballast"), out));
    this.hostMemory = this.#value((out) =>
      api.CreateCpuMemoryInfo(ARENA_ALLOCATOR, DEFAULT_MEMORY, out)
    );
    this.#allocator = this.#value((out) => api.GetAllocatorWithDefaultOptions(out));
  }

  /** Describes a GPU's memory; lives as long as the process. */
  deviceMemory(device: number): bigint {
    const known = this.#devices.get(device);
    if (known !== undefined) return known;
    const info = this.#value((out) =>
      this.api.CreateMemoryInfo(cString("Cuda"), DEVICE_ALLOCATOR, device, DEFAULT_MEMORY, out)
    );
    this.#devices.set(device, info);
    return info;
  }

  /** @throws Error with ONNX Runtime's own text unless the status, which is used up, is 0 */
  check(status: bigint): void {
    if (status === 0n) return;
    using handle = this.own("Status", status);
    const text = this.api.GetErrorMessage(handle.address);
    throw new Error(text === null ? "unknown" : Deno.UnsafePointerView.getCString(text));
  }

  /** What a function writes to its last parameter, given back by the handle. */
  create(kind: ReleasedKind, make: (out: BigUint64Array<ArrayBuffer>) => bigint): Handle {
    return this.own(kind, this.#value(make));
  }

  /** Takes charge of something made. */
  own(kind: ReleasedKind, address: bigint): Handle {
    return new Handle(kind, address, this.api[`Release${kind}`]);
  }

  /** A number that a function writes to its last parameter. */
  count(read: (out: BigUint64Array<ArrayBuffer>) => bigint): number {
    return Number(this.#value(read));
  }

  /** An address that a function writes to its last parameter, and that stays ONNX Runtime's. */
  borrow(read: (out: BigUint64Array<ArrayBuffer>) => bigint): Deno.PointerValue {
    return Deno.UnsafePointer.create(this.#value(read));
  }

  /** A string that a function allocates. */
  string(make: (allocator: bigint, out: BigUint64Array<ArrayBuffer>) => bigint): string {
    const address = this.#value((out) => make(this.#allocator, out));
    const free = () => this.check(this.api.AllocatorFree(this.#allocator, address));
    using handle = new Handle("String", address, free);
    return Deno.UnsafePointerView.getCString(Deno.UnsafePointer.create(handle.address)!);
  }

  #value(write: (out: BigUint64Array<ArrayBuffer>) => bigint): bigint {
    this.#out[0] = 0n;
    this.check(write(this.#out));
    return this.#out[0];
  }
}

/** The library, or why this process cannot use it. */
export type LoadedLibrary =
  | { readonly library: OnnxruntimeLibrary }
  | { readonly unavailable: string };

let loaded: LoadedLibrary | undefined;

/** Loads the library that onnxruntime-node brings, once. */
export function loadLibrary(): LoadedLibrary {
  return loaded ??= tryLoading();
}

function tryLoading(): LoadedLibrary {
  try {
    // Deno lets pointers be read under a permission for every library only, not for some folders.
    Deno.UnsafePointer.of(new Uint8Array(1));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    return { unavailable: "it needs --allow-ffi without a path" };
  }
  try {
    const path = libraryPath();
    if (path === null) {
      return { unavailable: `none comes for ${Deno.build.os} on ${Deno.build.arch}` };
    }
    return openLibrary(path);
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}

function openLibrary(path: string): LoadedLibrary {
  const { symbols } = Deno.dlopen(path, {
    OrtGetApiBase: { parameters: [], result: "pointer" },
  });
  // struct OrtApiBase { GetApi(version), GetVersionString() }
  const base = new Deno.UnsafePointerView(symbols.OrtGetApiBase()!);
  const getVersion = new Deno.UnsafeFnPointer(
    base.getPointer(BigInt64Array.BYTES_PER_ELEMENT)!,
    { parameters: [], result: "pointer" },
  );
  const version = Deno.UnsafePointerView.getCString(getVersion.call()!);
  const getApi = new Deno.UnsafeFnPointer(
    base.getPointer(0)!,
    { parameters: ["u32"], result: "pointer" },
  );
  const problem = versionProblem(version);
  const table = problem === null ? getApi.call(API_VERSION) : null;
  if (table === null) return { unavailable: problem ?? `${version} has no API ${API_VERSION}` };
  return { library: new OnnxruntimeLibrary(bindCApi(table), version) };
}

/** Why a version's C API may not be what we call, or `null` when it is. */
export function versionProblem(version: string): string | null {
  return version.startsWith(VERSION) ? null : `expected version ${VERSION}x but found ${version}`;
}

/** A zero-terminated string. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** Where an array's memory begins. Whoever keeps the address keeps the array. */
export function addressOf(array: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(array));
}
