import assert from "node:assert/strict";
import { TOGETHER } from "../train/parallel/runs.ts";
import { type Distance, TOLERANCE } from "../train/parallel/same_weights.ts";
import { ended, inProcesses, onLoopback, whyNoMpi } from "./mpi_available.ts";

const why = await whyNoMpi();
const ignore = why !== null;
const note = ignore ? ` (ignored: ${why})` : "";

for (const name of Object.keys(TOGETHER)) {
  for (const count of [2, 4]) {
    Deno.test({
      name: `trainModel() in ${count} processes over MPI gives what one gives: ${name}${note}`,
      ignore,
      async fn() {
        const { code, stdout, stderr } = await ended(
          onLoopback(inProcesses(count, "train_child.ts", String(count), name)),
        );
        assert.equal(code, 0, stderr);
        const { name: worst, value } = JSON.parse(stdout) as Distance;
        assert(value <= TOLERANCE, `${worst}: ${value}`);
        assert(value > 0, "sums in another order: nothing equal was compared with itself");
      },
    });
  }
}
