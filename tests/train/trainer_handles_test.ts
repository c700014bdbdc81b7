import assert from "node:assert/strict";
import type { TrainOptions } from "../../train/train_options.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { liveHandles } from "../../train/runtime/handles.ts";
import { trainModel } from "../../train/trainer.ts";
import { ignore, unless } from "./runtime/ffi_available.ts";
import { tinyModel, tinyRun } from "./tiny_run.ts";

const RUNS: Readonly<Record<string, Partial<TrainOptions>>> = {
  "all weights": { gradientShareSteps: 3, microBatchPairs: 1 },
  "an adapter": { adapter: newAdapter({ rank: 2 }, { model: tinyModel.config, seed: 1 }) },
  "chosen replies alone, with a scorer of the rejected": { loss: { loss: "sft", sft: "sum" } },
};

/** What ends a run in its midst, and the error that comes of it. */
const ENDS: Readonly<Record<string, { changes: () => Partial<TrainOptions>; error: RegExp }>> = {
  "an error of the caller's": {
    changes: () => ({
      onStep: ({ step }) => {
        if (step === 3) throw new Error("enough");
      },
    }),
    error: /^Error: enough$/,
  },
  "an abort": {
    changes: () => {
      const controller = new AbortController();
      const onStep = () => controller.abort(new Error("interrupted"));
      return { signal: controller.signal, onStep };
    },
    error: /^Error: interrupted$/,
  },
  "a number that is not finite": {
    changes: () => ({
      schedule: { name: "constant", peak: 1e30, steps: 12, warmupSteps: 0, minimum: 0 },
    }),
    error: /Training stopped at step [2-9]: /,
  },
};

Deno.test({
  name:
    `trainModel() opens no session for the lengths that a batch's rejected replies have${unless}`,
  ignore,
  async fn() {
    const held: number[] = [];
    const onStep = () => held.push(liveHandles().Session ?? 0);
    await trainModel(tinyRun({ loss: { loss: "sft", sft: "sum" }, attentionBlock: 1, onStep }));
    assert.deepEqual(held, Array(12).fill(held[0]));
  },
});

for (const [what, changes] of Object.entries(RUNS)) {
  Deno.test({
    name: `trainModel() of ${what} gives every handle back when it is done${unless}`,
    ignore,
    async fn() {
      const held: number[] = [];
      const onStep = () => held.push(liveHandles().Session ?? 0);
      await trainModel(tinyRun({ ...changes, onStep }));
      assert(held.length === 12 && held.every((sessions) => sessions >= 3), held.join());
      assert.deepEqual(liveHandles(), {});
    },
  });

  for (const [end, { changes: ending, error }] of Object.entries(ENDS)) {
    Deno.test({
      name: `trainModel() of ${what} gives every handle back when ${end} ends it${unless}`,
      ignore,
      async fn() {
        await assert.rejects(trainModel(tinyRun({ ...changes, ...ending() })), error);
        assert.deepEqual(liveHandles(), {});
      },
    });
  }
}
