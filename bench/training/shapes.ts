import { type ModelConfig, parseModelConfig } from "../../train/models/config.ts";

/** The letters are those of ARCHITECTURE.md: vocabulary, width, layers, heads, kv heads, mlp. */
interface Shape {
  readonly V: number;
  readonly D: number;
  readonly L: number;
  readonly H: number;
  readonly K: number;
  readonly F: number;
  readonly tied: boolean;
}

/** The shape of SmolLM2-135M. */
export const SMOLLM2_135M: Shape = {
  V: 49152,
  D: 576,
  L: 30,
  H: 9,
  K: 3,
  F: 1536,
  tied: true,
};

/** A shape with which the command itself can be tried in seconds; the real tokenizer still fits. */
export const SMALL: Shape = { V: 49152, D: 64, L: 2, H: 4, K: 2, F: 128, tied: true };

/** The prototype's configurations: shape, sequences a step, tokens a sequence. */
export const PROTOTYPE = {
  a: {
    shape: { V: 512, D: 64, L: 5, H: 4, K: 4, F: 256, tied: false },
    sequences: 16,
    length: 256,
  },
  b: {
    shape: { V: 32000, D: 288, L: 6, H: 6, K: 6, F: 768, tied: true },
    sequences: 8,
    length: 256,
  },
  c: { shape: SMOLLM2_135M, sequences: 4, length: 256 },
} as const satisfies Record<string, { shape: Shape; sequences: number; length: number }>;

/** A shape as a model's config, with SmolLM2's constants for the rest. */
export function configOf({ V, D, L, H, K, F, tied }: Shape): ModelConfig {
  return parseModelConfig({
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_act: "silu",
    vocab_size: V,
    hidden_size: D,
    num_hidden_layers: L,
    num_attention_heads: H,
    num_key_value_heads: K,
    intermediate_size: F,
    tie_word_embeddings: tied,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-5,
    rope_theta: 100000,
    initializer_range: 1 / 24,
  }, "bench");
}

export type { Shape };
