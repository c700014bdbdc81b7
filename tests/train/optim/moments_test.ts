import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { elementCount, float32, type Tensor } from "../../../core/tensor.ts";
import { initialState, TrainingStep } from "../../../train/training_step.ts";
import { allBlocks, OptimiserStep } from "../../../train/optimiser_step.ts";
import { placeState, placeZeros, readState } from "../../../train/placed_state.ts";
import { inPrecision, type MomentPrecision, widened } from "../../../train/precision.ts";
import { openRuntime, type Runtime } from "../../../train/runtime/open_runtime.ts";
import type { StepRecord } from "../../../train/step_record.ts";
import { trainModel } from "../../../train/trainer.ts";
import type { Weights } from "../../../train/models/model.ts";
import { Shards } from "../../../train/parallel/shards.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import { HostAsDevice } from "../device_steps.ts";
import { goldenModel, relativeError } from "../golden.ts";
import { goldenRun } from "../golden_run.ts";
import { JoinedRanks } from "../parallel/joined_ranks.ts";
import { TOGETHER } from "../parallel/runs.ts";
import {
  HALF_MOMENTS_TOLERANCE,
  trainedWeights,
  weightDistance,
} from "../parallel/same_weights.ts";
import { tinyModel, tinyRun } from "../tiny_run.ts";

const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
/** Elements whose moments are watched: of the mean of as many roundings little is left to chance. */
const COUNT = 4096;

/** The second moments of COUNT elements, kept in a precision, after steps of a gradient each. */
async function secondMoments(
  { runtime, precision, first, steps, gradient }: {
    readonly runtime: Runtime;
    readonly precision: MomentPrecision;
    /** The moments at the start. */
    readonly first: number;
    readonly steps: number;
    readonly gradient: () => number;
  },
): Promise<Float32Array> {
  await using stack = new AsyncDisposableStack();
  const of = (value: number) =>
    new Map([["w", float32([COUNT], new Float32Array(COUNT).fill(value))]]);
  const moments = (value: number) =>
    new Map<string, Tensor<MomentPrecision>>([["w", inPrecision(of(value).get("w")!, precision)]]);
  const gradients = placeState(runtime, of(0), stack);
  const tensors = {
    weights: placeState(runtime, of(1), stack),
    gradients,
    firstMoments: placeState(runtime, moments(0), stack),
    secondMoments: placeState(runtime, moments(first), stack),
  };
  const blocks = allBlocks(runtime, tensors);
  const optimiser = await OptimiserStep.open(runtime, blocks, { ...ADAMW, moments: precision });
  stack.defer(() => optimiser.release());
  for (let step = 1; step <= steps; step++) {
    gradients.tensors.get("w")!.write(Float32Array.from({ length: COUNT }, gradient));
    await optimiser.update(step, { learningRate: 1e-3, gradNorm: 1, maxGradNorm: 1e9 });
  }
  return widened((await readState(tensors.secondMoments)).get("w")!).data.slice();
}

const mean = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0) / values.length;

for (const device of [false, true]) {
  const where = device ? "a device, as the graph is written for it" : "the CPU";
  Deno.test(`second moments in bfloat16 decay as they do in float32, on ${where}`, async () => {
    const host = await openRuntime({ threads: 1 });
    const runtime = device ? new HostAsDevice(host) : host;
    const decay = { runtime, first: 1, steps: 700, gradient: () => 0 };
    const found = await secondMoments({ ...decay, precision: "bfloat16" });
    const expected = ADAMW.beta2 ** 700; // 0.496
    assert(relativeError(mean(found), expected) < 0.005, `${mean(found)} ≠ ${expected}`);
    // Rounded to the nearest, none would ever have moved.
    const [next] = widened(inPrecision(float32([1], Float32Array.of(0.999)), "bfloat16")).data;
    assert.equal(next, 1);
  });
}

Deno.test("second moments in bfloat16 come to the mean square that float32 ones come to", async () => {
  const runtime = await openRuntime({ threads: 1 });
  const momentsIn = async (precision: MomentPrecision) => {
    const random = Random.seeded(1, "gradients");
    const gradient = () => random.uniform() - 0.5;
    return await secondMoments({ runtime, precision, first: 0, steps: 1500, gradient });
  };
  const [narrow, wide] = [await momentsIn("bfloat16"), await momentsIn("float32")];
  assert(relativeError(mean(narrow), mean(wide)) < 0.002, `${mean(narrow)} ≠ ${mean(wide)}`);
  const errors = narrow.map((x, i) => relativeError(x, wide[i]) ** 2);
  // Each by itself wanders, but not far.
  assert(Math.sqrt(mean(errors)) < 0.05, `${Math.sqrt(mean(errors))}`);
});

/** Relative difference from float32 moments that twelve steps may make. */
const BAND = { loss: 1e-4, chosenLogp: 1e-4, gradNorm: 1e-3 } as const;

function compare(steps: readonly StepRecord[], expected: readonly StepRecord[]): void {
  let largest = 0;
  expected.forEach((row, i) => {
    for (const [key, band] of Object.entries(BAND) as [keyof typeof BAND, number][]) {
      const error = relativeError(steps[i][key], row[key]);
      assert(error <= band, `step ${i + 1}: ${key} ${steps[i][key]} ≠ ${row[key]}: ${error}`);
      largest = Math.max(largest, error);
    }
  });
  assert(largest > 1e-7, "nothing was rounded");
}

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;

for (const family of FAMILIES) {
  Deno.test(`trainModel() of ${family} with moments in bfloat16 stays within its band of float32`, async () => {
    const model = await goldenModel(family);
    const { steps } = await trainModel(goldenRun(model, LOSS, { moments: "bfloat16" }));
    compare(steps, (await trainModel(goldenRun(model, LOSS))).steps);
  });
}

Deno.test("400 steps with moments in bfloat16 come to the loss that float32 ones come to", async () => {
  const schedule = { name: "cosine", peak: 0.01, steps: 400, warmupSteps: 10, minimum: 0 } as const;
  const lossesIn = async (moments: MomentPrecision) => {
    const { steps } = await trainModel(tinyRun({ schedule, moments }));
    return Float32Array.from(steps, ({ loss }) => loss);
  };
  const [narrow, wide] = [await lossesIn("bfloat16"), await lossesIn("float32")];
  const [found, expected] = [narrow, wide].map((losses) => mean(losses.slice(-50)));
  assert(expected < 0.1 * wide[0], "it has learnt");
  assert(relativeError(found, expected) < 0.1, `${found} ≠ ${expected}`);
});

Deno.test("trainModel() with moments in bfloat16 resumes to the bytes of an undisturbed run", async () => {
  const folder = await Deno.makeTempDir();
  const moments = "bfloat16" as const;
  const expected = await trainModel(tinyRun({ moments }));
  const checkpoints = { folder, everySteps: 3 };
  const controller = new AbortController();
  const onStep = ({ step }: StepRecord) => step === 7 && controller.abort(new Error("stopped"));
  const stopped = trainModel(
    tinyRun({ moments, checkpoints, signal: controller.signal, onStep }),
  );
  await assert.rejects(stopped, /stopped/);
  const resumed = await trainModel(tinyRun({ moments, checkpoints }));
  assert.deepEqual(resumed.steps, expected.steps);
  assert.deepEqual(resumed.model.weights, expected.model.weights);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("checkpoints of moments in bfloat16 are refused by a run in float32", async () => {
  const folder = await Deno.makeTempDir();
  const checkpoints = { folder, everySteps: 3 };
  await trainModel(tinyRun({ moments: "bfloat16", checkpoints }));
  await assert.rejects(trainModel(tinyRun({ checkpoints })), /other options/);
  await Deno.remove(folder, { recursive: true });
});

/** Large enough for noise to begin anew in it, and some that share a bucket. */
const SHAPES = { first: [7], large: [600, 1000], small: [33], last: [5, 11] };

/** Random numbers in ±scale/2, of these shapes. */
function filled(seed: string, scale: number): Weights {
  const random = Random.seeded(2, seed);
  return new Map(
    Object.entries(SHAPES).map(([name, dims]) => {
      const data = Float32Array.from({ length: elementCount(dims) }, () => random.uniform());
      return [name, float32(dims, data.map((x) => scale * (x - 0.5)))];
    }),
  );
}

/** Three steps of random gradients, in one process or divided among several; weights and moments after. */
async function updated(runtime: Runtime, count: number) {
  const states = await new JoinedRanks(count).run(async (ranks) => {
    await using stack = new AsyncDisposableStack();
    const tensors = {
      weights: placeState(runtime, filled("weights", 1), stack),
      gradients: placeZeros(runtime, filled("weights", 1), stack),
    };
    const shards = new Shards(runtime, tensors, { ranks, most: 1e5, precision: "bfloat16", stack });
    const initial = initialState(filled("weights", 1), { moments: "bfloat16" });
    const moments = {
      firstMoments: placeState(runtime, initial.firstMoments, stack),
      secondMoments: placeState(runtime, initial.secondMoments, stack),
    };
    const blocks = count === 1
      ? allBlocks(runtime, { ...tensors, ...moments })
      : shards.blocks(runtime, stack);
    const optimiser = await OptimiserStep.open(runtime, blocks, { ...ADAMW, moments: "bfloat16" });
    stack.defer(() => optimiser.release());
    for (let step = 1; step <= 3; step++) {
      // The others have gathered nothing, so that the sum is the first one's to the bit.
      for (const [name, { data }] of filled(`gradients ${step}`, ranks.rank === 0 ? 1 : 0)) {
        tensors.gradients.tensors.get(name)!.write(data);
      }
      if (count > 1) await shards.addUp();
      const rates = { learningRate: 1e-3, gradNorm: 1, maxGradNorm: 1e9 };
      await optimiser.update(step, rates, async (bucket) => {
        if (count > 1) await shards.spread(bucket);
      });
      await shards.spreadAll();
    }
    const gathered = count > 1 ? await shards.gatherMoments(true) : {
      firstMoments: await readState(moments.firstMoments),
      secondMoments: await readState(moments.secondMoments),
    };
    return gathered && { weights: await readState(tensors.weights), ...gathered };
  });
  const { weights, firstMoments, secondMoments } = states[0]!;
  return [weights, firstMoments, secondMoments].map((tensors) =>
    [...tensors].map(([name, tensor]) => [name, widened(tensor).data.slice()] as const)
  );
}

for (const device of [false, true]) {
  const where = device ? "a device" : "the CPU";
  for (const count of [2, 3]) {
    Deno.test(`${count} processes round moments of equal gradients to one's bytes, on ${where}`, async () => {
      const host = await openRuntime({ threads: 1 });
      const runtime = device ? new HostAsDevice(host) : host;
      const expected = await updated(runtime, 1);
      const found = await updated(runtime, count);
      found.forEach((tensors, kind) =>
        tensors.forEach(([name, data], i) => {
          const different = data.findIndex((x, n) => x !== expected[kind][i][1][n]);
          assert.equal(different, -1, `${["weight", "m", "v"][kind]} ${name}[${different}]`);
        })
      );
    });
  }
}

for (const [name, optionsOf] of Object.entries(TOGETHER)) {
  Deno.test(`two processes with moments in bfloat16 train as one does, but for sums' last bits: ${name}`, async () => {
    const options = { ...await optionsOf(), moments: "bfloat16" } as const;
    const alone = await trainModel(options);
    const together = await new JoinedRanks(2).run((ranks) => trainModel({ ...options, ranks }));
    const tolerance = HALF_MOMENTS_TOLERANCE[options.adapter ? "adapter" : "weights"];
    for (const trained of together) {
      const { name, value } = weightDistance(trainedWeights(trained), trainedWeights(alone));
      assert(value < tolerance, `${name}: ${value}`);
    }
  });
}

Deno.test("a step's state has its moments in bfloat16, of half the bytes", async () => {
  const runtime = await openRuntime({ threads: 1 });
  const step = await TrainingStep.open(
    runtime,
    initialState(tinyModel.weights, { moments: "bfloat16" }),
    {
      ...{ config: tinyModel.config, loss: LOSS, frozen: new Map() },
      ...{ maxGradNorm: 1, adamw: ADAMW, moments: "bfloat16" },
    },
  );
  const { weights, firstMoments, secondMoments } = (await step.state())!;
  await step.release();
  for (const [name, { dims, data }] of weights) {
    for (const moments of [firstMoments, secondMoments]) {
      const moment = moments.get(name)!;
      assert.deepEqual([moment.dtype, moment.dims], ["bfloat16", dims]);
      assert.equal(2 * moment.data.byteLength, data.byteLength);
    }
  }
});
