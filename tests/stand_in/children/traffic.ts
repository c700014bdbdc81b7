/** What a step of training copies between host and GPU. */
import assert from "node:assert/strict";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { parseModelConfig } from "../../../train/models/config.ts";
import { initializeModel } from "../../../train/models/model.ts";
import { RotaryAngles } from "../../../train/models/rotary_angles.ts";
import { pairFeeds } from "../../../train/pair_packs.ts";
import { weightParts } from "../../../train/trained_weights.ts";
import { type BatchPart, initialState, TrainingStep } from "../../../train/training_step.ts";
import { type Counts, counts, restart } from "./counts.ts";

/** Bytes of scalars and sizes, which may lie on either side: fewer than a kilobyte. */
const SCALARS = 1000;

const model = initializeModel(
  parseModelConfig({
    model_type: "llama",
    vocab_size: 2000,
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
  }, "config.json"),
  1,
);

/** Eight pairs of 256 + 256 tokens in one run. */
function batch(): BatchPart {
  const tokens = (length: number, first: number) =>
    Int32Array.from({ length }, (_, i) => (first + i) % model.config.vocabSize);
  const pairs = Array.from({ length: 8 }, (_, i) => ({
    id: `${i}`,
    prompt: tokens(256, i),
    chosen: tokens(256, 100 + i),
    rejected: tokens(256, 200 + i),
  }));
  const lengths = { chosenTokens: 256, rejectedTokens: 256 };
  const reference = pairs.map(({ id }) => ({ id, chosenLogp: -9, rejectedLogp: -9, ...lengths }));
  const { config } = model;
  const angles = new RotaryAngles(config);
  const facts = { config, angles, comparesPairs: true, rests: false, pairs: 8 };
  const feeds = pairFeeds({ pairs, reference }, { ...facts, meanChosenTokens: 256 });
  return { rows: pairs.map((_, i) => i), feeds };
}

/** What a step copies. */
async function step(options: { readonly offloadMoments?: boolean }): Promise<Counts> {
  const runtime = await openRuntime({ threads: 1, device: "cuda:0" });
  const { trained, frozen } = weightParts(model);
  const taken = await TrainingStep.open(runtime, initialState(trained), {
    config: model.config,
    loss: { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" },
    frozen,
    rests: false,
    maxGradNorm: 1,
    adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    ...options,
  });
  const parts = [batch()];
  await taken.gather(parts);
  await taken.update(1, 1e-3);
  restart();
  await taken.gather(parts);
  await taken.update(1, 1e-3);
  const counted = counts();
  await taken.release();
  return counted;
}

const bytesOf = (feeds: BatchPart["feeds"]) =>
  Object.values(feeds).reduce((sum, { data }) => sum + data.byteLength, 0);

/** What a step without more is fed: its batch, and tokens once more, to look up their rows. */
function fedBytes(): number {
  const { feeds } = batch();
  return bytesOf(feeds) + bytesOf({ ids: feeds.ids });
}

/** Two moments in float32 for each weight. */
const MOMENTS = 8 * [...model.weights.values()].reduce((sum, { data }) => sum + data.length, 0);

for (
  const [what, options, moments] of [
    ["its batch", {}, 0],
    ["its batch and, there and back, its moments", { offloadMoments: true }, MOMENTS],
  ] as const
) {
  Deno.test(`of a step's tensors nothing passes between host and GPU but ${what}`, async () => {
    const { bytesToDevice, bytesToHost } = await step(options);
    const [to, from] = [bytesToDevice - fedBytes() - moments, bytesToHost - moments];
    assert(Math.abs(to) < SCALARS, `${bytesToDevice} bytes to the GPU`);
    assert(from > 0 && from < SCALARS, `${bytesToHost} bytes to the host`);
  });
}
