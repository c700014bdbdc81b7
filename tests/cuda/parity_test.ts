import assert from "node:assert/strict";
import { generate } from "../../eval/generate.ts";
import { loadAdapter } from "../../train/models/adapter.ts";
import { FAMILIES, type Family } from "../../train/models/families.ts";
import { openScorer, type ScorerOptions } from "../../train/logps.ts";
import { type DecoderOptions, openDecoder } from "../../train/models/decoder.ts";
import type { StepRecord } from "../../train/step_record.ts";
import type { TrainOptions } from "../../train/train_options.ts";
import { type TrainedModel, trainModel } from "../../train/trainer.ts";
import { goldenFolder, goldenModel, goldenPairs, relativeError } from "../train/golden.ts";
import { goldenRun } from "../train/golden_run.ts";
import { ignore, unless } from "./cuda_available.ts";

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
const CUDA = { threads: 1, device: "cuda:0" } as const;
const COMPARED = ["loss", "gradNorm", "chosenLogp", "rejectedLogp"] as const;

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name: `${name}${unless}`, ignore, fn });

/** The largest relative difference of any figure of any step. */
function difference(a: readonly StepRecord[], b: readonly StepRecord[]): number {
  assert.equal(a.length, b.length);
  return Math.max(
    ...a.flatMap((row, i) => COMPARED.map((key) => relativeError(row[key]!, b[i][key]!))),
  );
}

/** How far trained weights are apart, as a part of how far training moved them. */
function distance(a: TrainedModel, b: TrainedModel): number {
  const weights = (trained: TrainedModel) => trained.adapter?.weights ?? trained.model.weights;
  let [most, largest] = [0, 0];
  for (const [name, { data }] of weights(a)) {
    const other = weights(b).get(name)!.data;
    data.forEach((x, i) => {
      most = Math.max(most, Math.abs(x - other[i]));
      largest = Math.max(largest, Math.abs(x));
    });
  }
  return most / largest;
}

/** A run on the processor, and the same on a GPU, where it may be divided otherwise. */
async function both(
  changes: Partial<TrainOptions>,
  { family = FAMILIES[0], onGpu }: {
    readonly family?: Family;
    readonly onGpu?: Partial<TrainOptions>;
  } = {},
) {
  const run = async (more: Partial<TrainOptions>) =>
    await trainModel(goldenRun(await goldenModel(family), LOSS, { ...changes, ...more }));
  return [await run({}), await run({ ...CUDA, ...onGpu })] as const;
}

/** Three blocks of the longest prompts and six of the longest replies; of others they are smaller. */
const BLOCKS = { attentionBlock: 24 } as const;

/** Attention in one kernel, its gradient in those blocks. */
const FUSED = { ...BLOCKS, fusedAttention: true } as const;

for (const family of FAMILIES) {
  test(`a decoder of ${family} on a GPU writes what the processor's does`, async () => {
    const model = await goldenModel(family);
    const prompts = goldenPairs().map(({ prompt }, i) => ({ id: `${i}`, tokens: prompt }));
    const write = async (options: DecoderOptions) => {
      const decoder = await openDecoder(model, options);
      const request = { prompts, samples: 1, decoding: "greedy", stopTokens: [] } as const;
      return await generate(decoder, { ...request, maxNewTokens: 20, batchSize: 3 })
        .finally(() => decoder.release());
    };
    assert.deepEqual(await write(CUDA), await write({ threads: 1 }));
  });

  test(`log-probs of ${family} on a GPU, also in blocks and with fused attention, equal the processor's to 1e-4`, async () => {
    const model = await goldenModel(family);
    const score = async (options: ScorerOptions) => {
      const scorer = await openScorer(model, options);
      return await scorer.scorePairs(goldenPairs()).finally(() => scorer.release());
    };
    const host = await score({ threads: 1 });
    for (const way of [{}, BLOCKS, { fusedAttention: true }]) {
      const device = await score({ ...CUDA, ...way });
      host.forEach((row, i) => {
        assert(relativeError(device[i].chosenLogp, row.chosenLogp) < 1e-4);
        assert(relativeError(device[i].rejectedLogp!, row.rejectedLogp!) < 1e-4);
      });
    }
  });

  test(`twelve steps of ${family} on a GPU follow the processor's to 1e-4`, async () => {
    const [host, device] = await both({}, { family });
    const found = difference(device.steps, host.steps);
    assert(found < 1e-4, `${found}`);
    assert(distance(device, host) < 1e-3, `${distance(device, host)}`);
  });

  for (
    const [how, onGpu] of [["attention in blocks", BLOCKS], ["fused attention", FUSED]] as const
  ) {
    test(`twelve steps of ${family} with ${how} on a GPU follow the processor's plain ones to 1e-4`, async () => {
      const [host, device] = await both({}, { family, onGpu });
      const found = difference(device.steps, host.steps);
      assert(found < 1e-4, `${found}`);
      assert(distance(device, host) < 1e-3, `${distance(device, host)}`);
    });
  }
}

test("twelve steps in micro-batches, with layers computed again, on a GPU follow the processor's", async () => {
  const [host, device] = await both({ microBatchPairs: 1, gradientCheckpointing: true });
  const found = difference(device.steps, host.steps);
  assert(found < 1e-4, `${found}`);
});

test("twelve steps of an adapter on a GPU follow the processor's to 1e-4", async () => {
  const { config } = await goldenModel();
  const adapter = await loadAdapter(goldenFolder("llama/lora_initial"), config);
  const [host, device] = await both({ adapter });
  const found = difference(device.steps, host.steps);
  assert(found < 1e-4, `${found}`);
});

test("the shares of a loss's parts on a GPU equal the processor's", async () => {
  const [host, device] = await both({ gradientShareSteps: 1 });
  host.steps.forEach(({ preferenceShare }, i) =>
    assert(relativeError(device.steps[i].preferenceShare!, preferenceShare!) < 1e-3)
  );
});

test("demonstrations on a GPU are trained on as on the processor", async () => {
  const loss = { loss: "sft", sft: "token_mean" } as const;
  const [host, device] = await both({ loss });
  const found = difference(device.steps, host.steps);
  assert(found < 1e-4, `${found}`);
});

test("a run that diverges on a GPU is stopped, and what is not finite named", async () => {
  const schedule = { name: "constant", peak: 1e30, steps: 12, warmupSteps: 0, minimum: 0 } as const;
  const options = goldenRun(await goldenModel(), LOSS, { ...CUDA, schedule });
  await assert.rejects(trainModel(options), /^ExpectedError: Training stopped at step [2-9]: /);
});

test("a run on a GPU goes on from its checkpoint", async () => {
  const folder = await Deno.makeTempDir();
  const options = goldenRun(await goldenModel(), LOSS, {
    ...CUDA,
    checkpoints: { folder, everySteps: 2 },
  });
  const onStep = ({ step }: StepRecord) => {
    if (step === 7) throw new Error("killed");
  };
  await assert.rejects(trainModel({ ...options, onStep }), new Error("killed"));
  const resumed = await trainModel(options);
  const whole = await trainModel({ ...options, checkpoints: undefined });
  const found = difference(resumed.steps, whole.steps);
  assert(found < 1e-5, `${found}`);
  await Deno.remove(folder, { recursive: true });
});

for (const [how, way] of [["attention in blocks", BLOCKS], ["fused attention", FUSED]] as const) {
  test(`twelve steps of an adapter with ${how} and layers computed again, on a GPU, follow the processor's plain ones`, async () => {
    const { config } = await goldenModel();
    const adapter = await loadAdapter(goldenFolder("llama/lora_initial"), config);
    const onGpu = { ...way, gradientCheckpointing: true };
    const [host, device] = await both({ adapter }, { onGpu });
    const found = difference(device.steps, host.steps);
    assert(found < 1e-4, `${found}`);
  });
}

for (
  const [adapted, precision, fusedAttention] of [false, true].flatMap((adapted) =>
    (["bfloat16", "float16"] as const).flatMap((precision) =>
      [false, true].map((fused) => [adapted, precision, fused] as const)
    )
  )
) {
  const what = `${adapted ? "of an adapter " : ""}in ${precision}${
    fusedAttention ? " with fused attention" : ""
  }`;
  test(`twelve steps ${what} on a GPU follow the emulated ones`, async () => {
    const { config } = await goldenModel();
    const adapter = adapted
      ? await loadAdapter(goldenFolder("llama/lora_initial"), config)
      : undefined;
    const [host, device] = await both({ adapter, precision, fusedAttention });
    const found = difference(device.steps, host.steps);
    assert(found < 0.05, `${found}`);
  });
}
