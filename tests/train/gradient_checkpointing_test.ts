import assert from "node:assert/strict";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { trainModel } from "../../train/trainer.ts";
import { relativeError } from "./golden.ts";
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
