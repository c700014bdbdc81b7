import { type ModelConfig, parseModelConfig } from "../../train/models/config.ts";

/** Shapes by name, as Hugging Face's config.json has them; the PyTorch worker reads the same. */
export const SHAPES = {
  small: {
    vocab_size: 512,
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
  },
  "smollm2-135m": {
    vocab_size: 49152,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    tie_word_embeddings: true,
  },
  "mistral-7b": {
    vocab_size: 32000,
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    tie_word_embeddings: false,
  },
} as const;

/** The config of a shape, in the llama family, which computes as mistral does without its window. */
export function configOf(shape: string): ModelConfig {
  if (!Object.hasOwn(SHAPES, shape)) throw new RangeError(`No shape is named ${shape}.`);
  return parseModelConfig({
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_act: "silu",
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    initializer_range: 0.02,
    ...SHAPES[shape as keyof typeof SHAPES],
  }, shape);
}
