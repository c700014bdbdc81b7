import { ExpectedError } from "../../core/problem.ts";
import type { Device, Runtime, RuntimeOptions } from "./runtime.ts";

export type {
  Device,
  NamedTensors,
  PlacedTensor,
  PreparedRun,
  PrepareRequest,
  RunRequest,
  Runtime,
  RuntimeOptions,
  Session,
} from "./runtime.ts";

/** Which runtime to open. */
export interface OpenOptions extends RuntimeOptions {
  /** The one through the C API or through onnxruntime-node's; the first of them that loads, unless given. */
  readonly implementation?: "ffi" | "node";
}

/**
 * The runtime that training and evaluation use; loads the native library on first use.
 *
 * @throws RangeError when the number of threads is not a positive integer
 * @throws Error when the implementation asked for cannot be used
 * @throws ExpectedError when the device cannot be used, with what would help
 */
export async function openRuntime(
  { implementation, ...given }: OpenOptions,
): Promise<Runtime> {
  const options = runtimeOptions(given);
  const { device = "cpu" } = options;
  if (device !== "cpu") return await openOnDevice(options, device);
  let standsIn: string | undefined;
  if (implementation !== "node") {
    const { loadLibrary } = await import("./onnxruntime_library.ts");
    const loaded = loadLibrary();
    if ("library" in loaded) {
      const { OnnxruntimeFfi } = await import("./onnxruntime_ffi.ts");
      return new OnnxruntimeFfi(options, loaded.library);
    }
    const why = `onnxruntime-ffi cannot be used: ${loaded.unavailable}`;
    if (implementation === "ffi") throw new Error(`${why}.`);
    standsIn = why;
  }
  const { OnnxruntimeNode } = await import("./onnxruntime_node.ts");
  return new OnnxruntimeNode(options, standsIn);
}

/** Callers pass options of their own along; the runtime keeps what is its own. */
function runtimeOptions(
  { threads, device, tf32, trains, onFallback, profile }: RuntimeOptions,
): RuntimeOptions {
  return {
    threads,
    ...(device === undefined || device === "cpu" ? {} : { device }),
    ...(tf32 === undefined ? {} : { tf32 }),
    ...(trains === undefined ? {} : { trains }),
    ...(onFallback === undefined ? {} : { onFallback }),
    ...(profile === undefined ? {} : { profile }),
  };
}

async function openOnDevice(options: RuntimeOptions, device: Device): Promise<Runtime> {
  const { loadLibrary } = await import("./onnxruntime_library.ts");
  const loaded = loadLibrary();
  const refuse = (why: string) =>
    new ExpectedError(`${device} was asked for but cannot be used: ${why}`);
  if ("unavailable" in loaded) throw refuse(`${loaded.unavailable}.`);
  const { openCuda } = await import("./cuda/cuda_device.ts");
  const { OnnxruntimeFfi } = await import("./onnxruntime_ffi.ts");
  try {
    return new OnnxruntimeFfi(options, loaded.library, openCuda(loaded.library, device));
  } catch (error) {
    throw error instanceof RangeError ? error : refuse((error as Error).message);
  }
}
