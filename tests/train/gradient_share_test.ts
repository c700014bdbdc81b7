import assert from "node:assert/strict";
import type { LossOptions } from "../../train/losses/losses.ts";
import { trainModel } from "../../train/trainer.ts";
import { relativeError } from "./golden.ts";
import { tinyRun } from "./tiny_run.ts";

const schedule = { name: "constant", peak: 0.01, steps: 4, warmupSteps: 0, minimum: 0 } as const;

Deno.test("trainModel() measures both parts every so many steps, without changing the weights", async () => {
  const measured = await trainModel(tinyRun({ schedule, gradientShareSteps: 3 }));
  const plain = await trainModel(tinyRun({ schedule }));
  assert.deepEqual(measured.model.weights, plain.model.weights);
  assert(plain.steps.every((step) => step.preferenceGradNorm === null));
  for (const step of measured.steps) {
    const { preferenceGradNorm: preference, regulariserGradNorm: regulariser } = step;
    if (step.step % 3 !== 1) {
      assert.deepEqual([preference, regulariser, step.preferenceShare], [null, null, null]);
      continue;
    }
    assert(preference! > 0 && regulariser! > 0);
    assert(preference! + regulariser! >= step.gradNorm! * (1 - 1e-6));
    assert(Math.abs(step.preferenceShare! + step.regulariserShare! - 1) < 1e-12);
  }
});

Deno.test("trainModel() measures of each part what training on that part alone measures", async () => {
  const [beta, eta] = [0.1, 0.2];
  const first = async (loss: LossOptions) => {
    const { steps: [step] } = await trainModel(
      tinyRun({ loss, schedule: { ...schedule, steps: 1 }, gradientShareSteps: 1 }),
    );
    return step;
  };
  const both = await first({ loss: "rpo", beta, eta, sft: "sum" });
  const preference = (await first({ loss: "dpo", beta })).gradNorm!;
  const regulariser = beta * eta * (await first({ loss: "sft", sft: "sum" })).gradNorm!;
  assert(relativeError(both.preferenceGradNorm!, preference) < 1e-5);
  assert(relativeError(both.regulariserGradNorm!, regulariser) < 1e-5);
  assert(relativeError(both.preferenceShare!, preference / (preference + regulariser)) < 1e-5);
});

Deno.test("trainModel() takes the whole gradient for that of a loss with one part, on every step", async () => {
  const losses: [LossOptions, "preference" | "regulariser"][] = [
    [{ loss: "dpo", beta: 0.1 }, "preference"],
    [{ loss: "rpo", beta: 0.1, eta: 0, sft: "sum" }, "preference"],
    [{ loss: "sft", sft: "sum" }, "regulariser"],
  ];
  for (const [loss, part] of losses) {
    const { steps } = await trainModel(tinyRun({ schedule, loss }));
    const other = part === "preference" ? "regulariser" : "preference";
    for (const step of steps) {
      assert.deepEqual([step[`${part}GradNorm`], step[`${part}Share`]], [step.gradNorm, 1]);
      assert.deepEqual([step[`${other}GradNorm`], step[`${other}Share`]], [0, 0]);
    }
  }
});

Deno.test("trainModel() tells with each step what it took", async () => {
  const seen: string[] = [];
  await trainModel(tinyRun({
    schedule,
    onStep: ({ tokens, pairs }, { seconds, pairsPerSecond, tokensPerSecond, residentBytes }) => {
      assert(seconds > 0 && residentBytes > 1e6);
      assert(Math.abs(pairsPerSecond * seconds - pairs) < 1e-6);
      assert(Math.abs(tokensPerSecond * seconds - tokens) < 1e-6);
      seen.push(`${pairs}`);
    },
  }));
  assert.equal(seen.length, 4);
});
