import assert from "node:assert/strict";
import { KERNELS } from "../../../train/graph/kernels.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { APPLICATIONS, applied, type AppliedOp, refusal } from "./applications.ts";

const runtime = await openRuntime({ threads: 1 });

Deno.test("ONNX Runtime has every kernel that KERNELS lists", async () => {
  const missing: string[] = [];
  for (const op of Object.keys(APPLICATIONS) as AppliedOp[]) {
    for (const dtype of KERNELS[op]) {
      const message = await refusal(runtime, applied(op, dtype));
      if (message !== undefined) missing.push(`${op} ${dtype}: ${message}`);
    }
  }
  assert.deepEqual(missing, []);
});

for (const op of ["FusedSilu", "FusedSoftplus", "FusedRotary"] as const) {
  Deno.test(`ONNX Runtime lacks ${op} in float64, hence the second way`, async () => {
    assert.match(
      String(await refusal(runtime, applied(op, "float64"))),
      /Could not find an implementation|Type Error|implemented only for/,
    );
  });
}
