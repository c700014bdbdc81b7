import type { ModelConfig } from "./config.ts";

/** One weight of a model, under the name that Hugging Face gives it. */
export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
}

/** Names of the weights of one decoder layer, without the layer's prefix. */
export const LAYER = {
  inputNorm: "input_layernorm.weight",
  query: "self_attn.q_proj.weight",
  key: "self_attn.k_proj.weight",
  value: "self_attn.v_proj.weight",
  output: "self_attn.o_proj.weight",
  mlpNorm: "post_attention_layernorm.weight",
  gate: "mlp.gate_proj.weight",
  up: "mlp.up_proj.weight",
  down: "mlp.down_proj.weight",
} as const;

export const EMBEDDING = "model.embed_tokens.weight";
export const FINAL_NORM = "model.norm.weight";
export const HEAD = "lm_head.weight";

/** The prefix of a layer's weights. */
export function layerPrefix(layer: number): string {
  return `model.layers.${layer}.`;
}

/** Every weight of a model, in the order of the computation; matrices are (out, in) as PyTorch's. */
export function parametersOf(config: ModelConfig): Parameter[] {
  const { hiddenSize: d, intermediateSize: f, vocabSize: v, headDim } = config;
  const q = config.heads * headDim;
  const kv = config.keyValueHeads * headDim;
  const parameters: Parameter[] = [{ name: EMBEDDING, dims: [v, d] }];
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = layerPrefix(layer);
    parameters.push(
      { name: prefix + LAYER.inputNorm, dims: [d] },
      { name: prefix + LAYER.query, dims: [q, d] },
      { name: prefix + LAYER.key, dims: [kv, d] },
      { name: prefix + LAYER.value, dims: [kv, d] },
      { name: prefix + LAYER.output, dims: [d, q] },
      { name: prefix + LAYER.mlpNorm, dims: [d] },
      { name: prefix + LAYER.gate, dims: [f, d] },
      { name: prefix + LAYER.up, dims: [f, d] },
      { name: prefix + LAYER.down, dims: [d, f] },
    );
  }
  parameters.push({ name: FINAL_NORM, dims: [d] });
  if (!config.tiedEmbeddings) parameters.push({ name: HEAD, dims: [v, d] });
  return parameters;
}

/** How many numbers a model of this shape holds; a tied embedding counts once. */
export function parameterCount(config: ModelConfig): number {
  return parametersOf(config)
    .reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0);
}
