import assert from "node:assert/strict";
import { float32, type Tensor } from "../../core/tensor.ts";
import { CheckpointFolder } from "../../train/checkpoint.ts";
import { requireFinite, requireFiniteState, type StepNumbers } from "../../train/require_finite.ts";
import { runDigest } from "../../train/run_digest.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { trainModel } from "../../train/trainer.ts";
import type { StepRecord } from "../../train/step_record.ts";
import { tinyModel, tinyPairs, tinyRun } from "./tiny_run.ts";

const RECORD = { step: 4, lr: 0.1, dpoLoss: 1, sftLoss: 0, gradNorm: NaN } as StepRecord;

function numbers(changes: Partial<StepNumbers["outputs"]> = {}): StepNumbers {
  const norms = () => Promise.resolve(new Map([["first", NaN], ["last", Infinity]]));
  const outputs = { policyChosen: [-1, -2], policyRejected: [-3, -4], norms, ...changes };
  const weights = () => Promise.resolve(tinyModel.weights);
  return { pairs: tinyPairs(2), reference: null, weights, checkpoint: null, outputs };
}

const nameOf = (name: string) => ({
  name: "ExpectedError",
  message: new RegExp(`^Training stopped at step 4: ${name} is .*, pairs pair:0, pair:1\\)`),
});

Deno.test("requireFinite() names the first tensor in the order of computation", async () => {
  const fails = (record: StepRecord, changes: Partial<StepNumbers["outputs"]>, name: string) =>
    assert.rejects(requireFinite(record, numbers(changes)), nameOf(name));
  await fails(RECORD, {}, "the gradient of last");
  await fails({ ...RECORD, dpoLoss: NaN }, {}, "dpoLoss");
  await fails(
    { ...RECORD, dpoLoss: NaN },
    { policyRejected: [-3, NaN] },
    "rejectedLogp of pair pair:1",
  );
  await fails(RECORD, { norms: () => Promise.resolve(new Map([["first", 1]])) }, "gradNorm");
  await requireFinite({ ...RECORD, gradNorm: 1 }, numbers());
});

Deno.test("trainModel() names a weight that is infinite before it takes a step", async () => {
  const name = "model.layers.1.mlp.down_proj.weight";
  const { dims, data } = tinyModel.weights.get(name)!;
  const broken: Tensor<"float32"> = float32(dims, data.slice());
  broken.data[3] = Infinity;
  const model = { ...tinyModel, weights: new Map([...tinyModel.weights, [name, broken]]) };
  const steps: number[] = [];
  await assert.rejects(
    trainModel(tinyRun({ model, onStep: ({ step }) => steps.push(step) })),
    new RegExp(`stopped at step 1: ${name.replaceAll(".", "\\.")} is Infinity`),
  );
  assert.deepEqual(steps, []);
});

Deno.test("after a loss explodes, the last good checkpoint stays and is gone on from", async () => {
  const folder = await Deno.makeTempDir();
  const schedule = { name: "constant", peak: 1e30, steps: 12, warmupSteps: 0, minimum: 0 } as const;
  const options = tinyRun({ schedule, checkpoints: { folder, everySteps: 1 } });
  const steps: number[] = [];
  const message = async () => {
    const run = trainModel({ ...options, onStep: ({ step }) => steps.push(step) });
    return await run.then(() => "", (error: Error) => error.message);
  };
  const first = await message();
  assert.match(
    first,
    new RegExp(
      `^Training stopped at step ${
        steps.length + 1
      }: the gradient of model.layers.1.mlp.down_proj.weight is NaN`,
    ),
  );
  const { version } = await openRuntime(options);
  const kept = (await new CheckpointFolder(folder, runDigest(options, version)).open())!;
  assert.equal(kept.state.step, steps.length);
  assert.match(first, new RegExp(`The checkpoint of step ${steps.length} is kept\\. A lower`));
  for (const { data } of kept.state.weights.values()) assert(data.every(Number.isFinite));
  const before = steps.length;
  assert.equal(await message(), first, "going on meets the same numbers");
  assert.equal(steps.length, before, "no step before it is taken again");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an update that is not finite is named, and nothing of it is kept", async () => {
  const folder = await Deno.makeTempDir();
  const { adamw } = tinyRun();
  // Weight decay multiplies every weight by 1 − α λ, which float32 cannot hold.
  const options = tinyRun({
    schedule: { name: "constant", peak: 1e38, steps: 1, warmupSteps: 0, minimum: 0 },
    adamw: { ...adamw, weightDecay: 100 },
    checkpoints: { folder: `${folder}/checkpoints`, everySteps: 1 },
    snapshots: { folder: `${folder}/snapshots`, steps: [0, 1] },
  });
  const [first] = options.model.weights.keys();
  await assert.rejects(trainModel(options), {
    name: "ExpectedError",
    message: new RegExp(
      `^Training stopped after step 1: its update \\(learning rate 1e\\+38\\) made the weight ` +
        `${
          first.replaceAll(".", "\\.")
        } (-?Infinity|NaN)\\. No checkpoint was written before it\\.`,
    ),
  });
  const kept = [...Deno.readDirSync(`${folder}/snapshots`)].map(({ name }) => name);
  assert.deepEqual(kept, ["step-000000"]);
  const names = [...Deno.readDirSync(`${folder}/checkpoints`)].map(({ name }) => name);
  assert.deepEqual(names.filter((name) => name.endsWith(".safetensors")), []);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("requireFiniteState() looks at the moments as well, and names the checkpoint that is kept", () => {
  const { weights } = tinyModel;
  const [name, { dims, data }] = [...weights][0];
  const broken = float32(dims, data.slice());
  broken.data[1] = Infinity;
  const state = {
    step: 7,
    weights,
    firstMoments: weights,
    secondMoments: new Map([[name, broken]]),
  };
  const record = { step: 7, lr: 0.5 };
  assert.throws(() => requireFiniteState(state, { record, checkpoint: 5 }), {
    name: "ExpectedError",
    message:
      "Training stopped after step 7: its update (learning rate 0.5) made the second moment " +
      `of weight ${name} Infinity. The checkpoint of step 5 is kept. A lower learning rate or more ` +
      "warm-up usually helps.",
  });
  requireFiniteState({ ...state, secondMoments: weights }, { record, checkpoint: null });
});
