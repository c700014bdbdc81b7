import type { Runtime, RuntimeOptions } from "./runtime.ts";

export type { RunRequest, Runtime, RuntimeOptions, Session } from "./runtime.ts";

/**
 * The runtime that training and evaluation use; loads the native library on first use.
 *
 * @throws RangeError when the number of threads is not a positive integer
 */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { OnnxruntimeNode } = await import("./onnxruntime_node.ts");
  return new OnnxruntimeNode(options);
}
