import assert from "node:assert/strict";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { trainModel } from "../../train/trainer.ts";
import { FAMILIES } from "../../train/models/families.ts";
import { goldenModel, goldenPairs, relativeError } from "./golden.ts";
import { tinyModel, tinyRun } from "./tiny_run.ts";

const targets = ["q_proj", "down_proj"] as const;
const ADAPTERS = {
  "all weights": undefined,
  "an adapter": newAdapter({ rank: 2, alpha: 4, targets }, { model: tinyModel.config, seed: 1 }),
};

for (const [what, adapter] of Object.entries(ADAPTERS)) {
  Deno.test(`gradient checkpointing changes nothing in the training of ${what}`, async () => {
    const plain = await trainModel(tinyRun({ adapter }));
    const again = await trainModel(tinyRun({ adapter, gradientCheckpointing: true }));
    again.steps.forEach(({ loss, gradNorm }, i) => {
      assert(relativeError(loss, plain.steps[i].loss) < 1e-6, `step ${i + 1}: loss ${loss}`);
      assert(relativeError(gradNorm, plain.steps[i].gradNorm) < 1e-5, `step ${i + 1}: ${gradNorm}`);
    });
  });
}

for (const family of FAMILIES) {
  Deno.test(`gradient checkpointing changes nothing in the training of a ${family} model`, async () => {
    const schedule = {
      name: "constant",
      peak: 1e-3,
      steps: 2,
      warmupSteps: 0,
      minimum: 0,
    } as const;
    const run = { model: await goldenModel(family), pairs: goldenPairs().slice(0, 4), schedule };
    const plain = await trainModel(tinyRun(run));
    const again = await trainModel(tinyRun({ ...run, gradientCheckpointing: true }));
    again.steps.forEach(({ loss, gradNorm }, i) => {
      assert(relativeError(loss, plain.steps[i].loss) < 1e-6, `step ${i + 1}: loss ${loss}`);
      assert(relativeError(gradNorm, plain.steps[i].gradNorm) < 1e-5, `step ${i + 1}: ${gradNorm}`);
    });
  });
}
