import assert from "node:assert/strict";
import type { LossOptions } from "../../train/losses/losses.ts";
import { FAMILIES, type Family } from "../../train/models/families.ts";
import type { StepRecord } from "../../train/step_record.ts";
import { trainModel } from "../../train/trainer.ts";
import { golden, goldenModel, relativeError } from "./golden.ts";
import { goldenRun } from "./golden_run.ts";

interface GoldenStep {
  step: number;
  loss: number;
  dpoLoss: number;
  sftLoss: number;
  chosenLogp: number;
  rejectedLogp: number;
  gradNorm: number;
}

const LOSSES: Record<string, LossOptions> = {
  "dpo:none": { loss: "dpo", beta: 0.1 },
  "rpo:sum": { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" },
  "rpo:sequence_mean": { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sequence_mean" },
  "rpo:token_mean": { loss: "rpo", beta: 0.1, eta: 0.05, sft: "token_mean" },
  "ipo:none": { loss: "ipo", beta: 0.1 },
  "hinge:none": { loss: "hinge", beta: 0.1 },
  "sft:token_mean": { loss: "sft", sft: "token_mean" },
};

for (const family of FAMILIES) {
  const { runs } = golden<{ runs: Record<string, GoldenStep[]> }>(`${family}/trajectories.json`);
  for (const [run, expected] of Object.entries(runs)) {
    Deno.test(`trainModel() follows PyTorch's trajectory of ${run} in ${family} for twelve steps`, async () => {
      compareSteps(await stepsOf(family, LOSSES[run]), expected);
    });
  }
}

async function stepsOf(family: Family, loss: LossOptions): Promise<readonly StepRecord[]> {
  return (await trainModel(goldenRun(await goldenModel(family), loss))).steps;
}

function compareSteps(steps: readonly StepRecord[], expected: readonly GoldenStep[]): void {
  assert.equal(steps.length, 12);
  expected.forEach((row, i) => {
    for (const key of ["loss", "gradNorm", "chosenLogp", "rejectedLogp"] as const) {
      const error = relativeError(steps[i][key]!, row[key]);
      assert(error <= 2e-3, `step ${row.step}: ${key} ${steps[i][key]} ≠ ${row[key]}`);
    }
    for (const key of ["dpoLoss", "sftLoss"] as const) {
      assert(Math.abs(steps[i][key] - row[key]) <= 2e-3 * row.loss, `step ${row.step}: ${key}`);
    }
  });
}
