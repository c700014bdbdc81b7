import { loadLibrary } from "../onnxruntime_library.ts";
import type { Device } from "../runtime.ts";
import { openCuda } from "./cuda_device.ts";

/**
 * Bytes of a GPU that nobody uses, and all of them.
 *
 * @throws as `openRuntime` does for a device that cannot be used
 */
export function deviceMemory(device: Device): { readonly free: number; readonly total: number } {
  const loaded = loadLibrary();
  if ("unavailable" in loaded) throw new Error(`${device} cannot be used: ${loaded.unavailable}.`);
  return openCuda(loaded.library, device).memory();
}
