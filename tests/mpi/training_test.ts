import assert from "node:assert/strict";
import { TOGETHER } from "../train/parallel/runs.ts";
import {
  type Distance,
  HALF_MOMENTS_TOLERANCE,
  TOLERANCE,
} from "../train/parallel/same_weights.ts";
import { ended, inProcesses, onLoopback, whyNoMpi } from "./mpi_available.ts";

const why = await whyNoMpi();
const ignore = why !== null;
const note = ignore ? ` (ignored: ${why})` : "";

const CASES = [
  ...Object.keys(TOGETHER).map((name) => ({
    name,
    moments: "float32",
    counts: [2, 4],
    tolerance: TOLERANCE,
  })),
  {
    name: "all weights of a golden model",
    moments: "bfloat16",
    counts: [2, 3],
    tolerance: HALF_MOMENTS_TOLERANCE.weights,
  },
];

for (const { name, moments, counts, tolerance } of CASES) {
  for (const count of counts) {
    Deno.test({
      name:
        `trainModel() in ${count} processes over MPI gives what one gives: ${name}, moments in ` +
        `${moments}${note}`,
      ignore,
      async fn() {
        const { code, stdout, stderr } = await ended(
          onLoopback(inProcesses(count, "train_child.ts", String(count), name, moments)),
        );
        assert.equal(code, 0, stderr);
        const { name: worst, value } = JSON.parse(stdout) as Distance;
        assert(value <= tolerance, `${worst}: ${value}`);
        assert(value > 0, "sums in another order: nothing equal was compared with itself");
      },
    });
  }
}
