import type { Json } from "../../core/json.ts";
import type { ModelConfig } from "./config.ts";
import { type Family, TRAITS } from "./families.ts";
import type { StorageDtype } from "./storage_dtype.ts";

/** The fields that not every family's config class has. */
const OWN_FIELDS: { readonly [F in Family]: (config: ModelConfig) => Record<string, Json> } = {
  llama: ({ headDim }) => ({
    attention_bias: false,
    head_dim: headDim,
    hidden_act: "silu",
    mlp_bias: false,
  }),
  mistral: ({ headDim, slidingWindow }) => ({
    head_dim: headDim,
    hidden_act: "silu",
    sliding_window: slidingWindow,
  }),
  qwen2: ({ headDim, heads, hiddenSize, layers, slidingWindow }) => ({
    // Not a field of Qwen2Config; its model reads it where it is not hidden_size / heads.
    ...(headDim === hiddenSize / heads ? {} : { head_dim: headDim }),
    hidden_act: "silu",
    // Layers from this one on have the window.
    max_window_layers: slidingWindow === null ? layers : 0,
    sliding_window: slidingWindow,
    use_sliding_window: slidingWindow !== null,
  }),
  gemma: ({ headDim }) => ({
    attention_bias: false,
    head_dim: headDim,
    // transformers 5 reads the first, 4 the second.
    hidden_act: "gelu_pytorch_tanh",
    hidden_activation: "gelu_pytorch_tanh",
  }),
};

/**
 * `config.json` of a model folder, as transformers 5 reads it (and 4: both spellings are written).
 *
 * @param dtype what transformers 5 loads the weights as: what they are stored in
 */
export function formatModelConfig(config: ModelConfig, dtype: StorageDtype = "float32"): Json {
  return {
    ...OWN_FIELDS[config.family](config),
    architectures: [TRAITS[config.family].architecture],
    bos_token_id: config.bosTokenId,
    dtype,
    eos_token_id: formatTokenIds(config.eosTokenIds),
    hidden_size: config.hiddenSize,
    initializer_range: config.initializerRange,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    model_type: config.family,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.keyValueHeads,
    pad_token_id: config.padTokenId,
    rms_norm_eps: config.normEpsilon,
    rope_parameters: { rope_theta: config.ropeTheta, rope_type: "default" },
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tiedEmbeddings,
    torch_dtype: dtype,
    vocab_size: config.vocabSize,
  };
}

/** `generation_config.json` of a model folder: the tokens that begin, end and pad, and what it said. */
export function formatGenerationConfig(config: ModelConfig): Json {
  return {
    ...config.generation,
    bos_token_id: config.bosTokenId,
    eos_token_id: formatTokenIds(config.eosTokenIds),
    pad_token_id: config.padTokenId,
  };
}

function formatTokenIds(ids: readonly number[]): Json {
  return ids.length > 1 ? [...ids] : ids[0] ?? null;
}
