import { Random } from "../core/random.ts";
import type { TokenizedPair } from "../data/pair.ts";
import { initializeModel } from "../train/models/model.ts";
import { parseModelConfig } from "../train/models/config.ts";
import { trainModel } from "../train/trainer.ts";
import type { Measurement } from "./main.ts";

const STEPS = 60;
const PAIRS = 16;
const VOCABULARY = 70;

/** Milliseconds of a DPO step, and tokens a second, at the shape of the recipe tiny, one thread. */
export async function measureStep(): Promise<Measurement[]> {
  const config = parseModelConfig({
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_act: "silu",
    hidden_size: 64,
    intermediate_size: 256,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    vocab_size: VOCABULARY,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    initializer_range: 0.08,
    tie_word_embeddings: false,
  }, "bench");
  const pairs = randomPairs(PAIRS * STEPS);
  const times: number[] = [];
  let last = NaN;
  await trainModel({
    model: initializeModel(config, 0),
    pairs,
    loss: { loss: "dpo", beta: 0.1 },
    schedule: { name: "constant", peak: 1e-4, steps: STEPS, warmupSteps: 0, minimum: 0 },
    adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    batchPairs: PAIRS,
    order: "sequential",
    seed: 0,
    maxGradNorm: 1,
    threads: 1,
    onStep: () => {
      const now = performance.now();
      if (!Number.isNaN(last)) times.push(now - last);
      last = now;
    },
  });
  const tokens = pairs.reduce(
    (sum, { prompt, chosen, rejected }) =>
      sum + 2 * prompt.length + chosen.length + rejected!.length,
    0,
  ) / STEPS;
  return [
    { what: "DPO step, 0.27M parameters, 16 pairs, one thread", unit: "ms", values: times },
    {
      what: "the same, prompt and reply tokens",
      unit: "tokens/s",
      values: times.map((time) => 1000 * tokens / time),
    },
  ];
}

/** Pairs of the tiny world's lengths: prompts of 5 to 8 tokens, replies of 3 to 9. */
function randomPairs(count: number): TokenizedPair[] {
  const random = Random.seeded(0, "bench");
  const ids = (low: number, high: number) =>
    Int32Array.from({ length: random.between(low, high) }, () => random.integer(VOCABULARY));
  return Array.from({ length: count }, (_, i) => ({
    id: String(i),
    prompt: ids(5, 8),
    chosen: ids(3, 9),
    rejected: ids(3, 9),
  }));
}
