/** Prints what a worker would compute with on a GPU; `ballast doctor` runs it with a worker's rights. */
import { formatBytes } from "../pipeline/reporters/quantities.ts";
import { isInstalled, requireDigests } from "../train/runtime/cuda/cuda_installation.ts";
import { deviceMemory } from "../train/runtime/cuda/device_memory.ts";
import { openRuntime } from "../train/runtime/open_runtime.ts";
import { printNotice, printResult } from "./output.ts";
import { requireComputing } from "./require_computing.ts";

const device = "cuda:0";
try {
  if (!isInstalled()) throw new Error("not set up (deno task setup:cuda)");
  await requireDigests();
  const runtime = await openRuntime({ threads: 1, device });
  await requireComputing(runtime);
  const { description, version } = runtime;
  const { free, total } = deviceMemory(device);
  printResult(
    `${version} through ${description}, ${formatBytes(free)} of ${formatBytes(total)} free`,
  );
} catch (error) {
  // In one line, of which several are ONNX Runtime's.
  printNotice((error as Error).message.replace(/\s+/g, " ").replace(/\.$/, ""));
  Deno.exitCode = 1;
}
