/** What training and scoring take of a GPU's memory, beside what `plan` foresees of it. */
import assert from "node:assert/strict";
import { sizesOf } from "../../../bench/memory/planned_memory.ts";
import { rpoOptions, scoreOf } from "../../../bench/training/rpo_options.ts";
import { configOf } from "../../../bench/training/shapes.ts";
import type { PairLengths } from "../../../train/costs/foreseen_run.ts";
import { modelSizes } from "../../../train/costs/model_sizes.ts";
import { openScorer } from "../../../train/logps.ts";
import { initializeModel } from "../../../train/models/model.ts";
import { newAdapter } from "../../../train/models/new_adapter.ts";
import type { TrainOptions } from "../../../train/train_options.ts";
import { trainModel } from "../../../train/trainer.ts";
import { stages } from "../../../stages/registry.ts";
import { counts, restart } from "./counts.ts";

const CONFIG = configOf({ V: 8000, D: 256, L: 8, H: 8, K: 4, F: 688, tied: true });
const STEPS = 3;
const ON_GPU = { threads: 1, device: "cuda:0" } as const;
const TRAINING = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum", order: "sequential", seed: 0 };

/** As options of `trainModel`, and as the stage's parameters, which have the same names. */
type Way =
  & Pick<TrainOptions, "precision" | "microBatchPairs" | "gradientCheckpointing" | "moments">
  & Pick<TrainOptions, "offloadMoments" | "vocabularyChunk" | "attentionBlock">
  & { readonly rank?: number };

/** Ways to train whose runs are all alike. */
const WAYS: Readonly<Record<string, Way>> = {
  "float32": {},
  "bfloat16": { precision: "bfloat16" },
  "float16": { precision: "float16" },
  "layers again": { precision: "bfloat16", gradientCheckpointing: true },
  "a pair at a time": { precision: "bfloat16", microBatchPairs: 1 },
  "an adapter": { precision: "bfloat16", rank: 8 },
  "an adapter, layers again": { rank: 8, gradientCheckpointing: true },
  "moments in bfloat16": { moments: "bfloat16" },
  "moments on the host": { offloadMoments: true, microBatchPairs: 1 },
  "logits by chunks": { precision: "bfloat16", vocabularyChunk: 2000 },
  "attention in blocks": { attentionBlock: 64 },
};

const alike = (count: number): PairLengths[] =>
  Array.from({ length: count }, () => ({ prompt: 160, chosen: 200, rejected: 200 }));

function pairsOf(lengths: readonly PairLengths[]) {
  // No two prompts are the same: replies to one would be scored together.
  const tokens = (count: number, first = 0) =>
    Int32Array.from({ length: count }, (_, i) => first + i);
  return lengths.map(({ prompt, chosen, rejected }, i) => ({
    id: String(i),
    prompt: tokens(prompt, i),
    chosen: tokens(chosen),
    rejected: tokens(rejected!),
  }));
}

/** What a stage is foreseen to take of the GPU, but for CUDA's own, which the stand-in has none of. */
async function foresee(
  name: "train" | "logps",
  params: Record<string, unknown>,
  lengths: readonly PairLengths[],
): Promise<number> {
  const stage = stages.get(name)!;
  const inputs = { model: [modelSizes(CONFIG)], tokens: [sizesOf(lengths)], reference: [{}] };
  const request = { params: stage.params.parse(params), inputs, last: {}, isDone: false };
  const { memory } = await stage.predict!(request);
  return memory!.filter(({ what, isOnGpu }) => isOnGpu && what !== "the device's own")
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

async function train(lengths: readonly PairLengths[], { rank, ...way }: Way): Promise<number> {
  const pairs = pairsOf(lengths);
  const model = initializeModel(CONFIG, 1);
  restart();
  await trainModel({
    ...rpoOptions(STEPS),
    ...ON_GPU,
    ...way,
    model,
    adapter: rank === undefined ? undefined : newAdapter({ rank }, { model: CONFIG, seed: 0 }),
    pairs,
    reference: pairs.map((pair) => scoreOf(pair, -1)),
    batchPairs: lengths.length / STEPS,
  });
  return counts().peak;
}

/** Bytes of a region that one more or less counts for nothing: what is small takes it early or late. */
const REGION = 128 << 20;

function requireNear(taken: number, foreseen: number) {
  const off = foreseen - taken;
  const told = `${foreseen} foreseen, ${taken} taken: ${(100 * off / taken).toFixed(1)}%`;
  assert(Math.abs(off) <= Math.max(0.02 * taken, REGION), told);
}

for (const [name, { rank, ...way }] of Object.entries(WAYS)) {
  Deno.test(`training takes what is foreseen of a GPU, within 2% or a region: ${name}`, async () => {
    const lengths = alike(8 * STEPS);
    const params = {
      ...{ ...TRAINING, ...ON_GPU, ...way, learningRate: 1e-6, schedule: "constant" },
      ...{ steps: STEPS, batchPairs: 8, lora: rank && { rank }, gradientCheckpointing: false },
      ...way,
    };
    requireNear(await train(lengths, { rank, ...way }), await foresee("train", params, lengths));
  });
}

for (const precision of ["float32", "bfloat16"] as const) {
  Deno.test(`scoring in ${precision} takes what is foreseen of a GPU, within 2% or a region`, async () => {
    const lengths = alike(100);
    restart();
    const scorer = await openScorer(initializeModel(CONFIG, 1), { ...ON_GPU, precision });
    await scorer.scorePairs(pairsOf(lengths)).finally(() => scorer.release());
    const { peak } = counts();
    requireNear(peak, await foresee("logps", { ...ON_GPU, precision }, lengths));
  });
}
