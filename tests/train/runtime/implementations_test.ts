import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { drawBatch, drawState, trainingStep, trainSteps } from "../graph/training_step.ts";
import { ignore, unless } from "./ffi_available.ts";

const MODEL = trainingStep({ S: "S", T: "T", M: "M" });
const IMPLEMENTATIONS = ["ffi", "node"] as const;

Deno.test({
  name: `both runtimes train to the same bits${unless}`,
  ignore,
  async fn() {
    const [ffi, node] = await Promise.all(IMPLEMENTATIONS.map(async (implementation) => {
      const runtime = await openRuntime({ threads: 1, implementation });
      const session = await runtime.session(MODEL);
      const trained = await trainSteps(session, 8);
      await session.release();
      return trained;
    }));
    assert.deepEqual(ffi, node);
    assert(ffi.losses[7] < ffi.losses[0]);
  },
});

for (const implementation of IMPLEMENTATIONS) {
  const isFfi = implementation === "ffi";
  Deno.test({
    name: `steps prepared in place train to the same bits, ${implementation}${isFfi ? unless : ""}`,
    ignore: isFfi && ignore,
    async fn() {
      const runtime = await openRuntime({ threads: 1, implementation });
      const session = await runtime.session(MODEL);
      const batch = drawBatch(4, 12, Random.seeded(1, "batch"));
      const state = drawState(Random.seeded(1, "state"));
      let apart = structuredClone(state);
      for (let step = 0; step < 3; step++) {
        const results = await session.run({ ...batch, ...apart });
        const next = Object.keys(state).map((name) => [name, results[`${name}.next`]]);
        apart = Object.fromEntries(next);
      }
      const into = Object.fromEntries(
        Object.entries(state).map(([name, tensor]) => [`${name}.next`, tensor]),
      );
      // The last reader of a weight is its update: ops of the backward pass come before the norm
      // that every update waits for.
      using prepared = session.prepare({ ...batch, ...state }, {
        into,
        inPlace: Object.keys(into),
      });
      for (let step = 0; step < 3; step++) await prepared.run();
      assert.deepEqual(state, apart);
      await session.release();
    },
  });
}
