import type { Runtime, RuntimeOptions } from "./runtime.ts";

export type {
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
 */
export async function openRuntime(
  { implementation, ...options }: OpenOptions,
): Promise<Runtime> {
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
