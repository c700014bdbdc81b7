import { Random } from "../../core/random.ts";
import type { TokenizedPair } from "../../data/pair.ts";
import { parseModelConfig } from "../../train/models/config.ts";
import { initializeModel } from "../../train/models/model.ts";
import type { TrainOptions } from "../../train/train_options.ts";

/** A model of a few hundred weights. */
export const tinyModel = initializeModel(
  parseModelConfig({
    model_type: "llama",
    vocab_size: 13,
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    initializer_range: 0.3,
  }, "config.json"),
  1,
);

/** Random pairs of a few tokens. */
export function tinyPairs(count: number): TokenizedPair[] {
  const random = Random.seeded(3, "pairs");
  const tokens = (length: number) =>
    Int32Array.from({ length }, () => random.integer(tinyModel.config.vocabSize));
  return Array.from({ length: count }, (_, i) => ({
    id: `pair:${i}`,
    prompt: tokens(random.between(1, 4)),
    chosen: tokens(random.between(1, 6)),
    rejected: tokens(random.between(1, 6)),
  }));
}

/** Options of a short run, to be changed as a test needs. */
export function tinyRun(changes: Partial<TrainOptions> = {}): TrainOptions {
  return {
    model: tinyModel,
    pairs: tinyPairs(7),
    loss: { loss: "rpo", beta: 0.1, eta: 0.2, sft: "sum" },
    schedule: { name: "cosine", peak: 0.01, steps: 12, warmupSteps: 2, minimum: 0 },
    batchPairs: 3,
    order: "shuffled",
    seed: 5,
    maxGradNorm: 1,
    adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    threads: 1,
    ...changes,
  };
}
