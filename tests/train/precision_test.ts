import assert from "node:assert/strict";
import { loadAdapter } from "../../train/models/adapter.ts";
import { FAMILIES } from "../../train/models/families.ts";
import type { StepRecord } from "../../train/step_record.ts";
import { trainModel } from "../../train/trainer.ts";
import { goldenFolder, goldenModel, relativeError } from "./golden.ts";
import { goldenRun } from "./golden_run.ts";

/** Relative difference from float32 that eight bits of mantissa may make over twelve steps. */
const BAND = { loss: 0.02, chosenLogp: 0.02, gradNorm: 0.1 } as const;

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;

function compare(steps: readonly StepRecord[], expected: readonly StepRecord[]): void {
  let largest = 0;
  expected.forEach((row, i) => {
    for (const [key, band] of Object.entries(BAND) as [keyof typeof BAND, number][]) {
      const error = relativeError(steps[i][key], row[key]);
      assert(error <= band, `step ${i + 1}: ${key} ${steps[i][key]} ≠ ${row[key]}`);
      largest = Math.max(largest, error);
    }
  });
  assert(largest > 1e-5, "nothing was rounded");
}

for (const family of FAMILIES) {
  Deno.test(`trainModel() of ${family} in bfloat16 stays within its band of float32`, async () => {
    const model = await goldenModel(family);
    const { steps } = await trainModel(goldenRun(model, LOSS, { precision: "bfloat16" }));
    compare(steps, (await trainModel(goldenRun(model, LOSS))).steps);
  });
}

Deno.test("trainModel() of an adapter in bfloat16 stays within its band of float32", async () => {
  const model = await goldenModel();
  const adapter = await loadAdapter(goldenFolder("llama/lora_initial"), model.config);
  const precision = "bfloat16";
  const { steps } = await trainModel(goldenRun(model, LOSS, { adapter, precision }));
  compare(steps, (await trainModel(goldenRun(model, LOSS, { adapter }))).steps);
});

Deno.test("trainModel() in bfloat16 with layers computed again stays close to the same without", async () => {
  const model = await goldenModel();
  const run = { precision: "bfloat16", microBatchPairs: 1 } as const;
  const { steps } = await trainModel(
    goldenRun(model, LOSS, { ...run, gradientCheckpointing: true }),
  );
  const plain = (await trainModel(goldenRun(model, LOSS, run))).steps;
  steps.forEach(({ loss, gradNorm }, i) => {
    assert(relativeError(loss, plain[i].loss) < 1e-3, `step ${i + 1}: loss ${loss}`);
    assert(relativeError(gradNorm, plain[i].gradNorm) < 1e-2, `step ${i + 1}: ${gradNorm}`);
  });
});
