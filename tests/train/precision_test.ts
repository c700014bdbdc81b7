import assert from "node:assert/strict";
import { float32 } from "../../core/tensor.ts";
import { gradientGraph } from "../../train/gradient_graph.ts";
import { lowerForSession, toOnnx } from "../../train/graph/to_onnx.ts";
import { openScorer } from "../../train/logps.ts";
import { loadAdapter } from "../../train/models/adapter.ts";
import { FAMILIES } from "../../train/models/families.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import type { Precision } from "../../train/precision.ts";
import type { StepRecord } from "../../train/step_record.ts";
import { trainModel } from "../../train/trainer.ts";
import { goldenFolder, goldenModel, goldenPairs, relativeError } from "./golden.ts";
import { goldenRun } from "./golden_run.ts";

/** Relative difference from float32 that 8 and 11 bits of mantissa may make over twelve steps. */
const BANDS = {
  bfloat16: { loss: 0.02, chosenLogp: 0.02, gradNorm: 0.1 },
  float16: { loss: 0.002, chosenLogp: 0.002, gradNorm: 0.01 },
} as const;
const HALVES = ["bfloat16", "float16"] as const;

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;

function compare(
  steps: readonly StepRecord[],
  expected: readonly StepRecord[],
  precision: typeof HALVES[number],
): void {
  const BAND = BANDS[precision];
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

for (const precision of HALVES) {
  for (const family of FAMILIES) {
    Deno.test(`trainModel() of ${family} in ${precision} stays within its band of float32`, async () => {
      const model = await goldenModel(family);
      const { steps } = await trainModel(goldenRun(model, LOSS, { precision }));
      compare(steps, (await trainModel(goldenRun(model, LOSS))).steps, precision);
    });
  }

  Deno.test(`trainModel() of an adapter in ${precision} stays within its band of float32`, async () => {
    const model = await goldenModel();
    const adapter = await loadAdapter(goldenFolder("llama/lora_initial"), model.config);
    const { steps } = await trainModel(goldenRun(model, LOSS, { adapter, precision }));
    compare(steps, (await trainModel(goldenRun(model, LOSS, { adapter }))).steps, precision);
  });

  Deno.test(`trainModel() in ${precision} with layers computed again stays within its band`, async () => {
    const model = await goldenModel();
    const ways = { gradientCheckpointing: true, microBatchPairs: 1, vocabularyChunk: 20 };
    const { steps } = await trainModel(goldenRun(model, LOSS, { ...ways, precision }));
    compare(steps, (await trainModel(goldenRun(model, LOSS))).steps, precision);
  });

  for (const family of FAMILIES) {
    Deno.test(`every op of ${family} in ${precision} has a CUDA kernel`, async () => {
      const { config } = await goldenModel(family);
      const adapter = newAdapter({ rank: 2 }, { model: config, seed: 1 }).config;
      for (const gradientCheckpointing of [false, true]) {
        for (const options of [{}, { adapter }]) {
          const graph = gradientGraph({
            ...{ config, loss: LOSS, precision, gradientCheckpointing, rests: false },
            ...options,
          });
          const halves = lowerForSession(graph, { target: "cuda" }).nodes
            .filter(({ outputs }) => outputs.some(({ dtype }) => dtype === precision));
          assert(halves.length > 100, "layers compute in it");
          toOnnx(graph, { target: "cuda" }); // throws for an op without a kernel
        }
      }
    });
  }
}

Deno.test("openScorer() in float16 gives log-probs near float32's", async () => {
  const model = await goldenModel();
  const pairs = goldenPairs();
  const scoresIn = async (precision: Precision) => {
    const scorer = await openScorer(model, { threads: 1, precision });
    return await scorer.scorePairs(pairs).finally(() => scorer.release());
  };
  const [found, expected] = [await scoresIn("float16"), await scoresIn("float32")];
  found.forEach(({ chosenLogp, rejectedLogp }, i) => {
    assert(relativeError(chosenLogp, expected[i].chosenLogp) < 1e-4);
    assert(relativeError(rejectedLogp, expected[i].rejectedLogp) < 1e-4);
  });
  assert.notDeepEqual(found, expected, "something was rounded");
});

for (const use of ["training", "scoring"] as const) {
  Deno.test(`${use} in float16 refuses weights that it cannot hold, by name`, async () => {
    const { config, weights } = await goldenModel();
    const name = "model.layers.1.mlp.up_proj.weight";
    const { dims, data } = weights.get(name)!;
    const large = { config, weights: new Map(weights).set(name, float32(dims, data.slice())) };
    large.weights.get(name)!.data[3] = -70000;
    const precision = "float16" as const;
    await assert.rejects(
      use === "training"
        ? trainModel(goldenRun(large, LOSS, { precision }))
        : openScorer(large, { threads: 1, precision }),
      {
        name: "InputError",
        message: new RegExp(`${name}: .* float16 can hold but found .* 70000`),
      },
    );
  });
}

for (const precision of HALVES) {
  Deno.test(`trainModel() in ${precision} with layers computed again stays close to the same without`, async () => {
    const model = await goldenModel();
    const run = { precision, microBatchPairs: 1 };
    const { steps } = await trainModel(
      goldenRun(model, LOSS, { ...run, gradientCheckpointing: true }),
    );
    const plain = (await trainModel(goldenRun(model, LOSS, run))).steps;
    steps.forEach(({ loss, gradNorm }, i) => {
      assert(relativeError(loss, plain[i].loss) < 1e-3, `step ${i + 1}: loss ${loss}`);
      assert(relativeError(gradNorm, plain[i].gradNorm) < 1e-2, `step ${i + 1}: ${gradNorm}`);
    });
  });
}
