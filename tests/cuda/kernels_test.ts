import assert from "node:assert/strict";
import { CUDA_KERNELS } from "../../train/graph/cuda_kernels.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { APPLICATIONS, applied, type AppliedOp, refusal } from "../train/graph/applications.ts";
import { ignore, unless } from "./cuda_available.ts";

Deno.test({
  name: `ONNX Runtime has every kernel on a GPU that CUDA_KERNELS lists${unless}`,
  ignore,
  async fn() {
    const runtime = await openRuntime({ threads: 1, device: "cuda:0" });
    const missing: string[] = [];
    for (const op of Object.keys(APPLICATIONS) as AppliedOp[]) {
      for (const dtype of CUDA_KERNELS[op]) {
        const message = await refusal(runtime, applied(op, dtype));
        if (message !== undefined) missing.push(`${op} ${dtype}: ${message}`);
      }
    }
    assert.deepEqual(missing, []);
  },
});
