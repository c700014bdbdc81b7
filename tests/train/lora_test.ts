import assert from "node:assert/strict";
import { type Adapter, loadAdapter } from "../../train/models/adapter.ts";
import { initializeAdapter, mergeAdapter, saveAdapter } from "../../train/models/adapter.ts";
import { type Target, TARGET_NAMES } from "../../train/models/adapter_config.ts";
import { openScorer } from "../../train/logps.ts";
import { initializeModel } from "../../train/models/model.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import type { StepRecord } from "../../train/step_record.ts";
import type { TrainOptions } from "../../train/train_options.ts";
import { type TrainedModel, trainModel } from "../../train/trainer.ts";
import { golden, goldenFolder, goldenModel, relativeError } from "./golden.ts";
import { goldenRun } from "./golden_run.ts";
import { tinyModel, tinyPairs, tinyRun } from "./tiny_run.ts";

async function trainedGoldenly(changes: Partial<TrainOptions> = {}): Promise<TrainedModel> {
  const model = await goldenModel();
  const adapter = await loadAdapter(goldenFolder("llama/lora_initial"), model.config);
  const loss = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
  return await trainModel(goldenRun(model, loss, { adapter, ...changes }));
}

/** The largest difference of any weight. */
function distance(a: Adapter, b: Adapter): number {
  return Math.max(
    ...[...a.weights].map(([name, { data }]) =>
      data.reduce((most, x, i) => Math.max(most, Math.abs(x - b.weights.get(name)!.data[i])), 0)
    ),
  );
}

function tinyAdapter(targets: readonly Target[] = TARGET_NAMES, seed = 4): Adapter {
  const config = { rank: 2, alpha: 4, targets, dropout: 0 };
  return initializeAdapter(config, { model: tinyModel.config, seed });
}

/** An adapter that changes something: B is not zero. */
async function trainedAdapter(): Promise<Adapter> {
  return (await trainModel(tinyRun({ adapter: tinyAdapter() }))).adapter!;
}

Deno.test("trainModel() follows PEFT's trajectory of an adapter to its final weights", async () => {
  const { run } = golden<{ run: StepRecord[] }>("llama/trajectory_lora.json");
  const { model, adapter, steps } = await trainedGoldenly();
  assert.equal(steps.length, 12);
  run.forEach((row, i) => {
    for (const key of ["loss", "gradNorm", "chosenLogp", "rejectedLogp"] as const) {
      const error = relativeError(steps[i][key]!, row[key]!);
      assert(error <= 2e-3, `step ${row.step}: ${key} ${steps[i][key]} ≠ ${row[key]}`);
    }
  });
  const expected = await loadAdapter(goldenFolder("llama/lora_final"), model.config);
  const moved = await loadAdapter(goldenFolder("llama/lora_initial"), model.config);
  // AdamW moves a weight by up to the learning rate a step, whichever way a tiny gradient points.
  assert(distance(adapter!, expected) < 5e-4, `${distance(adapter!, expected)}`);
  assert(distance(moved, expected) > 5e-3);
});

Deno.test("trainModel() of an adapter on two threads equals one, and itself to the byte", async () => {
  const one = await trainedGoldenly();
  const two = await trainedGoldenly({ threads: 2, gradientShareSteps: 5 });
  // Sums in another order end in other bits, so lanes there were; twelve steps of 1e-3 were taken.
  const apart = distance(one.adapter!, two.adapter!);
  assert(apart > 0 && apart < 1e-4, `${apart}`);
  one.steps.forEach(({ loss, chosenLogp }, i) => {
    assert(relativeError(two.steps[i].loss, loss) <= 1e-5);
    assert(relativeError(two.steps[i].chosenLogp, chosenLogp) <= 1e-5);
  });
  const again = await trainedGoldenly({ threads: 2, gradientShareSteps: 5 });
  assert.deepEqual(again.steps, two.steps);
  assert.deepEqual(again.adapter!.weights, two.adapter!.weights);
});

Deno.test("trainModel() of an adapter in micro-batches equals the large batch", async () => {
  const whole = await trainedGoldenly();
  const parts = await trainedGoldenly({ microBatchPairs: 1 });
  whole.steps.forEach(({ loss, gradNorm }, i) => {
    assert(relativeError(parts.steps[i].loss, loss) < 1e-5, `step ${i + 1}`);
    assert(relativeError(parts.steps[i].gradNorm, gradNorm) < 1e-5, `step ${i + 1}`);
  });
  // Sums in another order end in other bits, so the batch was divided; twelve steps of 1e-3 were taken.
  const apart = distance(parts.adapter!, whole.adapter!);
  assert(apart > 0 && apart < 1e-4, `${apart}`);
});

Deno.test("trainModel() leaves the model and the adapter given as they were", async () => {
  const adapter = tinyAdapter();
  const before = structuredClone({ model: tinyModel, adapter });
  const trained = await trainModel(tinyRun({ adapter, takesOverModel: true }));
  assert.deepEqual({ model: tinyModel, adapter }, before);
  assert.equal(trained.model.weights, tinyModel.weights);
  assert(distance(trained.adapter!, adapter) > 0);
});

for (const targets of [["q_proj"], ["down_proj"], ["v_proj", "up_proj"]] as const) {
  Deno.test(`trainModel() trains an adapter to ${targets.join(" and ")} alone`, async () => {
    const { adapter } = await trainModel(tinyRun({ adapter: tinyAdapter(targets) }));
    assert.equal(adapter!.weights.size, 2 * 2 * targets.length);
    assert(distance(adapter!, tinyAdapter(targets)) > 0);
  });
}

Deno.test("trainModel() trains an adapter to any matrix of a single layer", async () => {
  const config = { ...tinyModel.config, layers: 1 };
  const model = initializeModel(config, 1);
  for (const target of TARGET_NAMES) {
    const adapter = newAdapter({ rank: 2, targets: [target] }, { model: config, seed: 1 });
    const trained = await trainModel(tinyRun({ model, adapter }));
    assert(distance(trained.adapter!, adapter) > 0, target);
  }
});

Deno.test("trainModel() of an adapter goes on from its checkpoint to the same bytes, snapshots included", async () => {
  const folder = await Deno.makeTempDir();
  const adapter = tinyAdapter();
  const expected = await trainModel(tinyRun({ adapter }));
  const options = tinyRun({
    adapter,
    checkpoints: { folder: `${folder}/checkpoints`, everySteps: 2 },
    snapshots: { folder: `${folder}/snapshots`, steps: [0, 12] },
  });
  const onStep = ({ step }: StepRecord) => {
    if (step === 7) throw new Error("killed");
  };
  await assert.rejects(trainModel({ ...options, onStep }), new Error("killed"));
  assert.deepEqual(await trainModel(options), expected);
  const kept = await loadAdapter(`${folder}/snapshots/step-000012`, tinyModel.config);
  assert.deepEqual(kept.weights, expected.adapter!.weights);
  const other = { ...options, adapter: tinyAdapter(TARGET_NAMES, 5) };
  await assert.rejects(trainModel(other), /belongs to a run with other options/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("trainModel() compares with the adapter it begins with", async () => {
  const adapter = await trainedAdapter();
  const { steps: [first] } = await trainModel(
    tinyRun({ adapter, loss: { loss: "dpo", beta: 0.1 } }),
  );
  assert(Math.abs(first.loss - Math.LN2) < 1e-6);
});

Deno.test("trainModel() refuses dropout, and an adapter to another model", async () => {
  const { config, weights } = tinyAdapter();
  const adapter = { config: { ...config, rank: 3, dropout: 0.1 }, weights };
  await assert.rejects(trainModel(tinyRun({ adapter })), (error: Error) => {
    assert.match(error.message, /lora_dropout: Expected 0 in training but found 0.1/);
    assert.match(error.message, /q_proj.lora_A.weight: Expected shape \[3, 8\] but found \[2, 8\]/);
    return true;
  });
});

Deno.test("mergeAdapter() gives a model that scores as the adapted one", async () => {
  const adapter = await trainedAdapter();
  const scores = async (model: Parameters<typeof openScorer>[0]) => {
    const scorer = await openScorer(model, { threads: 1 });
    return await scorer.scorePairs(tinyPairs(5)).finally(() => scorer.release());
  };
  const expected = await scores({ ...tinyModel, adapter });
  const found = await scores(mergeAdapter(tinyModel, adapter));
  const plain = await scores(tinyModel);
  found.forEach(({ chosenLogp }, i) => {
    assert(Math.abs(chosenLogp - expected[i].chosenLogp) < 1e-4);
    assert(Math.abs(chosenLogp - plain[i].chosenLogp) > 1e-3);
  });
});

Deno.test("saveAdapter() and loadAdapter() keep every byte", async () => {
  const folder = await Deno.makeTempDir();
  const { config } = await goldenModel();
  const adapter = await loadAdapter(goldenFolder("llama/lora_final"), config);
  await saveAdapter(adapter, `${folder}/a`);
  const again = await loadAdapter(`${folder}/a`, config);
  assert.deepEqual(again, adapter);
  await saveAdapter(again, `${folder}/b`);
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    assert.deepEqual(
      await Deno.readFile(`${folder}/a/${name}`),
      await Deno.readFile(`${folder}/b/${name}`),
    );
  }
  await Deno.remove(folder, { recursive: true });
});
