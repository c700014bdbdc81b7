import assert from "node:assert/strict";
import { ExpectedError, InputError } from "../../core/problem.ts";
import { Random } from "../../core/random.ts";
import { softplus, sub } from "../../train/graph/ops.ts";
import type { TrainingLoss } from "../../train/losses/losses.ts";
import type { PairLogps } from "../../train/losses/pair_logps.ts";
import { loadModel } from "../../train/models/model.ts";
import { openScorer } from "../../train/logps.ts";
import type { TrainOptions } from "../../train/train_options.ts";
import { type TrainedModel, trainModel } from "../../train/trainer.ts";
import { goldenModel, goldenPairs } from "./golden.ts";
import { tinyModel, tinyPairs, tinyRun } from "./tiny_run.ts";

/** Runs until a step is done, then aborts, as Ctrl-C does. */
async function abortedAfter(step: number, options: TrainOptions): Promise<void> {
  const controller = new AbortController();
  const onStep = (record: { step: number }) => {
    if (record.step === step) controller.abort(new Error("interrupted"));
  };
  await assert.rejects(
    trainModel({ ...options, signal: controller.signal, onStep }),
    new Error("interrupted"),
  );
}

function assertSameBytes(found: TrainedModel, expected: TrainedModel): void {
  assert.deepEqual(found.steps, expected.steps);
  assert.deepEqual(found.model, expected.model);
}

Deno.test("trainModel() twice gives the same bytes, and leaves its input as it was", async () => {
  const before = structuredClone(tinyModel);
  const first = await trainModel(tinyRun());
  assertSameBytes(await trainModel(tinyRun()), first);
  assert.deepEqual(tinyModel, before);
  assert.notDeepEqual(first.model.weights, tinyModel.weights);
});

Deno.test("trainModel() aborted after a random step and resumed gives the bytes of an undisturbed run", async () => {
  const folder = await Deno.makeTempDir();
  const expected = await trainModel(tinyRun());
  const random = Random.seeded(9, "abort");
  for (const everySteps of [1, 3, 100]) {
    const checkpoints = { folder: `${folder}/${everySteps}`, everySteps };
    const options = tinyRun({ checkpoints });
    const step = random.between(1, 11);
    await abortedAfter(step, options);
    const seen: number[] = [];
    const resumed = await trainModel({ ...options, onStep: (record) => seen.push(record.step) });
    assertSameBytes(resumed, expected);
    assert.equal(seen[0], step + 1, `aborted after ${step}`);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() killed without a word goes on from its last checkpoint to the same bytes", async () => {
  const folder = await Deno.makeTempDir();
  const options = tinyRun({ checkpoints: { folder, everySteps: 4 } });
  const expected = await trainModel(tinyRun());
  const kill = (record: { step: number }) => {
    if (record.step === 10) throw new Error("killed");
  };
  await assert.rejects(trainModel({ ...options, onStep: kill }), new Error("killed"));
  const seen: number[] = [];
  const resumed = await trainModel({ ...options, onStep: (record) => seen.push(record.step) });
  assertSameBytes(resumed, expected);
  assert.deepEqual(seen, [9, 10, 11, 12]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() passes over a damaged checkpoint for the one before, to the same bytes", async () => {
  const folder = await Deno.makeTempDir();
  const options = tinyRun({ checkpoints: { folder, everySteps: 4 } });
  const expected = await trainModel(options);
  const checkpoints = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.startsWith("step-")).sort();
  assert.deepEqual(checkpoints.map((name) => name.slice(0, 13)), [
    "step-00000004",
    "step-00000008",
  ]);
  const newest = `${folder}/${checkpoints[1]}`;
  const bytes = await Deno.readFile(newest);
  bytes[bytes.length - 5] ^= 1;
  await Deno.writeFile(newest, bytes);
  const seen: number[] = [];
  const resumed = await trainModel({ ...options, onStep: ({ step }) => seen.push(step) });
  assertSameBytes(resumed, expected);
  assert.equal(seen[0], 5);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() refuses the checkpoints of a run with other options", async () => {
  const folder = await Deno.makeTempDir();
  const options = tinyRun({ checkpoints: { folder, everySteps: 4 } });
  await trainModel(options);
  await assert.rejects(trainModel({ ...options, seed: 6 }), (error) => {
    assert(error instanceof ExpectedError);
    assert.match(error.message, /the checkpoint belongs to a run with other options, weights or/);
    return true;
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() stops at the step that is no longer finite and keeps the checkpoint before", async () => {
  const folder = await Deno.makeTempDir();
  const schedule = { name: "constant", peak: 1e30, steps: 12, warmupSteps: 0, minimum: 0 } as const;
  const options = tinyRun({ schedule, checkpoints: { folder, everySteps: 1 } });
  let last = 0;
  await assert.rejects(
    trainModel({ ...options, onStep: ({ step }) => last = step }),
    (error) => {
      assert(error instanceof ExpectedError);
      assert.match(error.message, new RegExp(`^Training stopped at step ${last + 1}: .*NaN`));
      assert.match(error.message, /learning rate 1e\+30, pairs pair:\d/);
      return true;
    },
  );
  const kept = [...Deno.readDirSync(folder)].map(({ name }) => name.slice(0, 13));
  assert(kept.includes(`step-${String(last).padStart(8, "0")}`), kept.join());
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() keeps the snapshots asked for, the start and the end included", async () => {
  const folder = await Deno.makeTempDir();
  const run = (steps: number) =>
    tinyRun({ schedule: { name: "constant", peak: 0.01, steps, warmupSteps: 0, minimum: 0 } });
  const { model } = await trainModel({ ...run(12), snapshots: { folder, steps: [12, 0, 5] } });
  assert.deepEqual(JSON.parse(await Deno.readTextFile(`${folder}/index.json`)), {
    steps: [0, 5, 12],
  });
  assert.deepEqual(await loadModel(`${folder}/step-000000`), tinyModel);
  assert.deepEqual(await loadModel(`${folder}/step-000012`), model);
  assert.deepEqual(await loadModel(`${folder}/step-000005`), (await trainModel(run(5))).model);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() goes back to a checkpoint whose snapshots are all there", async () => {
  const folder = await Deno.makeTempDir();
  const options = tinyRun({
    snapshots: { folder: `${folder}/snapshots`, steps: [2, 6] },
    checkpoints: { folder: `${folder}/checkpoints`, everySteps: 4 },
  });
  const expected = await trainModel(options);
  await Deno.remove(`${folder}/snapshots/step-000006`, { recursive: true });
  const seen: number[] = [];
  const onStep = ({ step }: { step: number }) => seen.push(step);
  // The checkpoint of step 8 needs the snapshot of step 6; that of step 4 does not.
  assertSameBytes(await trainModel({ ...options, onStep }), expected);
  assert.equal(seen[0], 5);
  assert((await Deno.stat(`${folder}/snapshots/step-000006`)).isDirectory);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() compares with the reference given, or else with the model it begins with", async () => {
  const options = tinyRun();
  const scorer = await openScorer(tinyModel, options);
  const reference = await scorer.scorePairs(options.pairs);
  await scorer.release();
  const expected = await trainModel(options);
  assertSameBytes(await trainModel({ ...options, reference }), expected);
  const [first] = expected.steps;
  assert(Math.abs(first.dpoLoss - Math.LN2) < 1e-6, `${first.dpoLoss}`);
  assert(Math.abs(first.margin!) < 1e-6, `${first.margin}`);
  const shifted = reference.map((row) => ({ ...row, chosenLogp: row.chosenLogp - 10 }));
  const { steps: [moved] } = await trainModel({ ...options, reference: shifted });
  // Every chosen reward rises by β · 10 = 1; so does the margin.
  assert(Math.abs(moved.rewardChosen! - first.rewardChosen! - 1) < 1e-6);
  assert(Math.abs(moved.margin! - 1) < 1e-6);
  assert.equal(moved.accuracy, 1);
  assert(Math.abs(moved.dpoLoss - Math.log(1 + Math.exp(-1))) < 1e-6, `${moved.dpoLoss}`);
});

Deno.test("trainModel() with loss sft reads chosen replies only, and reports the rejected ones of pairs", async () => {
  const loss = { loss: "sft", sft: "token_mean" } as const;
  const paired = await trainModel(tinyRun({ loss }));
  const alone = tinyPairs(7).map((pair) => ({ ...pair, rejected: null }));
  const demonstrations = await trainModel(tinyRun({ loss, pairs: alone }));
  assert.deepEqual(demonstrations.model, paired.model);
  assert.equal(demonstrations.steps[0].rejectedLogp, null);
  assert(paired.steps[0].rejectedLogp! < 0);
  for (const { dpoLoss, sftLoss, loss, margin, accuracy } of paired.steps) {
    assert.deepEqual([dpoLoss, margin, accuracy], [0, null, null]);
    assert.equal(loss, sftLoss);
  }
  assert(paired.steps.at(-1)!.loss < paired.steps[1].loss);
});

Deno.test("trainModel() gives the same bytes on two or three threads as on one", async () => {
  // The tiny model's tensors are too small for ONNX Runtime to divide.
  const model = await goldenModel();
  const schedule = { name: "constant", peak: 1e-3, steps: 2, warmupSteps: 0, minimum: 0 } as const;
  const run = { model, pairs: goldenPairs(), schedule };
  const one = await trainModel(tinyRun(run));
  for (const threads of [2, 3]) {
    assertSameBytes(await trainModel(tinyRun({ ...run, threads })), one);
  }
});

async function problemsOf(changes: Partial<TrainOptions>): Promise<string[]> {
  try {
    await trainModel(tinyRun(changes));
  } catch (error) {
    assert(error instanceof InputError, `${error}`);
    return error.message.split("\n").map((line) => line.trim());
  }
  return [];
}

Deno.test("trainModel() names every pair that cannot be trained on", async () => {
  const pairs = tinyPairs(4);
  const none = new Int32Array();
  assert.deepEqual(
    await problemsOf({
      pairs: [
        { ...pairs[0], chosen: none },
        { ...pairs[1], rejected: null },
        { ...pairs[2], prompt: Int32Array.of(1, 13) },
        pairs[3],
      ],
    }),
    [
      "3 problems:",
      "pair pair:0: Expected chosen to have tokens but found none.",
      "pair pair:1: Expected a rejected reply, which rpo compares with, but found none.",
      "pair pair:2: Expected token ids of prompt in 0 … 12, the model's, but found 13.",
    ],
  );
  assert.deepEqual(await problemsOf({ pairs: [] }), ["pairs: Expected at least one pair."]);
});

Deno.test("trainModel() refuses a pair longer than the model's sliding window", async () => {
  const narrow = { ...tinyModel, config: { ...tinyModel.config, slidingWindow: 4 } };
  const prompt = Int32Array.of(1, 2);
  const pair = { id: "pair:0", prompt, chosen: prompt, rejected: Int32Array.of(1, 2, 3) };
  const [problem] = await problemsOf({ model: narrow, pairs: [pair] });
  assert.match(problem, /^sliding_window: Expected sequences of at most 4 .* found one of 5: /);
});

Deno.test("trainModel() refuses a reference of other pairs or other tokens", async () => {
  const pairs = tinyPairs(2);
  const row = ({ id, chosen, rejected }: typeof pairs[number]) => ({
    id,
    chosenLogp: -1,
    rejectedLogp: -1,
    chosenTokens: chosen.length,
    rejectedTokens: rejected!.length,
  });
  const reference = pairs.map(row);
  assert.deepEqual(await problemsOf({ pairs, reference: reference.slice(1) }), [
    "reference logps: Expected 2 rows, one a pair, but found 1.",
  ]);
  assert.deepEqual(await problemsOf({ pairs, reference: reference.toReversed() }), [
    "2 problems:",
    "reference logps: row 1: Expected pair pair:0 but found pair:1.",
    "reference logps: row 2: Expected pair pair:1 but found pair:0.",
  ]);
  const [longer] = await problemsOf({
    pairs,
    reference: [{ ...reference[0], chosenTokens: 99 }, reference[1]],
  });
  assert.match(longer, /Expected pair pair:0 of \d+ and \d+ tokens but found 99 and \d+: the ref/);
});

Deno.test("trainModel() refuses sizes that are not positive integers and snapshots outside the run", async () => {
  await assert.rejects(
    trainModel(tinyRun({ batchPairs: 0.5 })),
    new RangeError("Expected batchPairs to be an integer greater than 0 but found 0.5."),
  );
  await assert.rejects(
    trainModel(tinyRun({ snapshots: { folder: "x", steps: [13] } })),
    new RangeError("Expected a snapshot's step in 0 … 12 but found 13."),
  );
});

Deno.test("trainModel() refuses a learning rate and an epsilon that float32 cannot hold", async () => {
  const { schedule, adamw } = tinyRun();
  await assert.rejects(
    trainModel(tinyRun({ schedule: { ...schedule, peak: 1e39 } })),
    new RangeError("Expected schedule.peak to be a number that float32 holds but found 1e+39."),
  );
  await assert.rejects(
    trainModel(tinyRun({ adamw: { ...adamw, epsilon: NaN } })),
    new RangeError("Expected adamw.epsilon to be a number that float32 holds but found NaN."),
  );
});

Deno.test("a loss that reads no reference needs none, and is trained the same with one", async () => {
  const loss: TrainingLoss = {
    loss: "custom",
    definition: {
      name: "gap",
      reads: "pairs",
      coefficients: {},
      terms: (logps) => {
        const { policyChosen, policyRejected } = logps as PairLogps;
        return { preference: softplus(sub(policyRejected, policyChosen)) };
      },
    },
    coefficients: { beta: 2 },
    digest: "",
  };
  const alone = await trainModel(tinyRun({ loss }));
  const scorer = await openScorer(tinyModel, { threads: 1 });
  const reference = await scorer.scorePairs(tinyPairs(7)).finally(() => scorer.release());
  const compared = await trainModel(tinyRun({ loss, reference }));
  assert.deepEqual(alone.model.weights, compared.model.weights);
  assert.deepEqual(alone.steps.map(({ margin }) => margin), alone.steps.map(() => null));
  for (const { margin } of compared.steps) assert.equal(typeof margin, "number");
});
