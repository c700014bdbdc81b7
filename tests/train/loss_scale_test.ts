import assert from "node:assert/strict";
import { GRAD_SCALER, LossScale } from "../../train/loss_scale.ts";
import type { StepRecord } from "../../train/step_record.ts";
import { describeSkippedSteps } from "../../train/skipped_steps.ts";
import { trainModel } from "../../train/trainer.ts";
import type { TrainOptions } from "../../train/train_options.ts";
import { JoinedRanks } from "./parallel/joined_ranks.ts";
import { TOLERANCE, weightDistance } from "./parallel/same_weights.ts";
import { tinyModel, tinyPairs, tinyRun } from "./tiny_run.ts";

Deno.test("LossScale moves as PyTorch's GradScaler does", () => {
  // torch.amp.GradScaler("cpu", init_scale=16, growth_interval=3), PyTorch 2.13, told of these steps.
  const scale = new LossScale({ initial: 16, growthInterval: 3 });
  const values = [...".!..!......!!..."].map((step) => {
    scale.update(step === ".");
    return scale.value;
  });
  assert.deepEqual(values, [16, 8, 8, 8, 4, 4, 4, 8, 8, 8, 16, 8, 4, 4, 4, 8]);
  assert.equal(scale.skipped, 4);
  assert.deepEqual(GRAD_SCALER, { initial: 65536, growthInterval: 2000 });
});

Deno.test("LossScale grows no further than float32 holds", () => {
  const scale = new LossScale({ initial: 2 ** 126, growthInterval: 1 });
  for (let step = 0; step < 3; step++) scale.update(true);
  assert.equal(scale.value, 2 ** 127);
});

const HALF = "float16" as const;
const LARGE = { initial: 2 ** 22, growthInterval: 3 };

/** A run in float16 whose first scales make gradients infinite. */
function overflowing(changes: Partial<TrainOptions> = {}): TrainOptions {
  return tinyRun({ precision: HALF, lossScaling: LARGE, ...changes });
}

Deno.test("trainModel() skips a step whose gradients are too large for float16, and halves the scale", async () => {
  const { steps, model } = await trainModel(overflowing());
  const skipped = steps.findIndex(({ gradNorm }) => gradNorm !== null);
  assert(skipped > 0 && skipped < 12, "some steps are skipped, and not all");
  steps.slice(0, skipped + 1).forEach(({ lossScale, skippedSteps }, i) => {
    assert.equal(lossScale, 2 ** (22 - i));
    assert.equal(skippedSteps, Math.min(i + 1, skipped));
  });
  const last = steps.at(-1)!;
  assert(weightDistance(model.weights, tinyModel.weights).value > 1e-3, "the others were taken");
  assert.equal(last.skippedSteps, steps.filter(({ gradNorm }) => gradNorm === null).length);
});

Deno.test("a skipped step leaves weights, moments and AdamW's own count as they were", async () => {
  const pairs = tinyPairs(3);
  const schedule = (steps: number) =>
    ({ name: "constant", peak: 0.01, steps, warmupSteps: 0, minimum: 0 }) as const;
  const run = { pairs, order: "sequential", precision: HALF } as const;
  // Every step reads all pairs, so that skipped ones only put off what others do.
  const skipping = await trainModel(tinyRun({
    ...run,
    schedule: schedule(12),
    lossScaling: { initial: 2 ** 24, growthInterval: 2000 },
  }));
  const { lossScale, skippedSteps } = skipping.steps.at(-1)!;
  assert(skippedSteps! > 0 && skippedSteps! < 10, `${skippedSteps}`);
  const straight = await trainModel(tinyRun({
    ...run,
    schedule: schedule(12 - skippedSteps!),
    lossScaling: { initial: lossScale!, growthInterval: 2000 },
  }));
  assert.equal(straight.steps.at(-1)!.skippedSteps, 0);
  assert.deepEqual(skipping.model.weights, straight.model.weights);
  const figures = ({ steps }: { readonly steps: readonly StepRecord[] }) =>
    steps.flatMap(({ loss, gradNorm }) => gradNorm === null ? [] : [[loss, gradNorm]]);
  assert.deepEqual(figures(skipping), figures(straight));
});

Deno.test("gradients that float16 is too coarse for are those of float32 once the loss is scaled", async () => {
  const loss = { loss: "rpo", beta: 1e-6, eta: 0.2, sft: "sum" } as const; // its gradients: some 10⁻⁷
  const inFloat32 = await trainModel(tinyRun({ loss }));
  const distanceAt = async (initial: number) => {
    const lossScaling = { initial, growthInterval: 2000 };
    const { model, steps } = await trainModel(tinyRun({ loss, precision: HALF, lossScaling }));
    assert.equal(steps.at(-1)!.skippedSteps, 0);
    return weightDistance(model.weights, inFloat32.model.weights).value;
  };
  const [scaled, plain] = [await distanceAt(65536), await distanceAt(1)];
  assert(scaled < 0.02 && plain > 5 * scaled, `${scaled}, ${plain}`);
});

Deno.test("trainModel() in float16 resumes to the bytes of an undisturbed run, its scale included", async () => {
  const folder = await Deno.makeTempDir();
  const expected = await trainModel(overflowing());
  const checkpoints = { folder, everySteps: 2 };
  for (const stop of [3, 9]) {
    const controller = new AbortController();
    const onStep = ({ step }: StepRecord) =>
      step === stop && controller.abort(new Error("stopped"));
    const stopped = trainModel(overflowing({ checkpoints, signal: controller.signal, onStep }));
    await assert.rejects(stopped, /stopped/);
  }
  const resumed = await trainModel(overflowing({ checkpoints }));
  assert(new Set(expected.steps.map(({ lossScale }) => lossScale)).size > 3, "the scale moved");
  assert.deepEqual(resumed.steps, expected.steps);
  assert.deepEqual(resumed.model.weights, expected.model.weights);
  await assert.rejects(
    trainModel(overflowing({ checkpoints, lossScaling: { ...LARGE, growthInterval: 4 } })),
    /other options/,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("two processes in float16 skip the same steps as one, and come to the same weights", async () => {
  const options = overflowing({ batchPairs: 4 });
  const alone = await trainModel(options);
  const together = await new JoinedRanks(2).run((ranks) => trainModel({ ...options, ranks }));
  const scales = (steps: readonly StepRecord[]) =>
    steps.map(({ lossScale, skippedSteps }) => [lossScale, skippedSteps]);
  for (const { steps, model } of together) {
    assert.deepEqual(scales(steps), scales(alone.steps));
    const { name, value } = weightDistance(model.weights, alone.model.weights);
    // Gradients of packs are rounded to float16 before they are added up.
    assert(value < 100 * TOLERANCE, `${name}: ${value}`);
  }
});

Deno.test("trainModel() stops when no scale makes gradients finite, and says what helps", async () => {
  const lossScaling = { initial: 2, growthInterval: 2000 };
  // The regulariser's weight makes gradients larger than float16 holds, and the loss no larger than float64.
  const loss = { loss: "rpo", beta: 0.1, eta: 1e8, sft: "sum" } as const;
  await assert.rejects(
    trainModel(tinyRun({ precision: HALF, lossScaling, loss })),
    {
      name: "ExpectedError",
      message:
        /^Training stopped at step 2: the gradient of .* is (NaN|Infinity) .*No loss scale of 1 or more .*bfloat16/,
    },
  );
});

Deno.test("a run that skipped steps says how many, and at which scales", async () => {
  const { steps } = await trainModel(overflowing());
  const { skippedSteps, lossScale } = steps.at(-1)!;
  const taken = steps.filter(({ gradNorm }) => gradNorm !== null).length;
  assert(taken > 0 && taken < 12);
  assert.equal(skippedSteps, 12 - taken);
  assert.equal(
    describeSkippedSteps(steps),
    `${
      12 - taken
    } of 12 steps in float16 changed nothing, since their gradients were too large at ` +
      `the loss scale of then (4194304 at first, ${lossScale} in the end)`,
  );
  assert.equal(describeSkippedSteps((await trainModel(tinyRun({ precision: HALF }))).steps), null);
  assert.equal(describeSkippedSteps((await trainModel(tinyRun())).steps), null);
});

for (const ranks of [1, 2]) {
  Deno.test(`trainModel() of ${ranks} refuses a run whose steps were all skipped, and says what helps`, async () => {
    const lossScaling = { initial: 2 ** 30, growthInterval: 2000 };
    const schedule = {
      name: "constant",
      peak: 0.01,
      steps: 3,
      warmupSteps: 0,
      minimum: 0,
    } as const;
    const options = overflowing({ lossScaling, schedule, batchPairs: 4 });
    const run = ranks === 1
      ? trainModel(options)
      : new JoinedRanks(ranks).run((ranks) => trainModel({ ...options, ranks }));
    await assert.rejects(run, {
      name: "ExpectedError",
      message:
        "Training left the model as it was: 3 of 3 steps in float16 changed nothing, since their " +
        "gradients were too large at the loss scale of then (1073741824 at first, 268435456 in the " +
        "end). Take more steps, of which each that is skipped halves the scale, smaller coefficients " +
        "of the loss, or precision: bfloat16 or float32.",
    });
  });
}
