import type { ModelConfig } from "./config.ts";
import { type Projection, TRAITS } from "./families.ts";

/** What decides which weights a model has. */
export type ModelShape = Pick<
  ModelConfig,
  | "family"
  | "vocabSize"
  | "hiddenSize"
  | "intermediateSize"
  | "layers"
  | "heads"
  | "keyValueHeads"
  | "headDim"
  | "tiedEmbeddings"
>;

/** One weight of a model, under the name that Hugging Face gives it. */
export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
  /** Its elements before training: all of one value, or drawn from N(0, initializer_range²). */
  readonly initially: number | "normal";
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
} as const satisfies Readonly<Record<Projection | "inputNorm" | "mlpNorm", string>>;

/** The name of a projection's bias, without the layer's prefix. */
export function biasName(projection: Projection): string {
  return LAYER[projection].replace(/weight$/, "bias");
}

export const EMBEDDING = "model.embed_tokens.weight";
export const FINAL_NORM = "model.norm.weight";
export const HEAD = "lm_head.weight";

/** The prefix of a layer's weights. */
export function layerPrefix(layer: number): string {
  return `model.layers.${layer}.`;
}

/** Every weight of a model, in the order of the computation; matrices are (out, in) as PyTorch's. */
export function parametersOf(config: ModelShape): Parameter[] {
  const { hiddenSize: d, vocabSize: v, layers, tiedEmbeddings } = config;
  return [
    matrix(EMBEDDING, [v, d]),
    ...Array.from({ length: layers }, (_, layer) => layerParameters(config, layer)).flat(),
    norm(FINAL_NORM, config),
    ...(tiedEmbeddings ? [] : [matrix(HEAD, [v, d])]),
  ];
}

function layerParameters(config: ModelShape, layer: number): Parameter[] {
  const { hiddenSize: d, intermediateSize: f, headDim } = config;
  const { biased } = TRAITS[config.family];
  const q = config.heads * headDim;
  const kv = config.keyValueHeads * headDim;
  const prefix = layerPrefix(layer);
  const projection = (name: Projection, out: number, width: number): Parameter[] => {
    const weight = matrix(prefix + LAYER[name], [out, width]);
    if (!biased.includes(name)) return [weight];
    return [weight, { name: prefix + biasName(name), dims: [out], initially: 0 }];
  };
  return [
    norm(prefix + LAYER.inputNorm, config),
    ...projection("query", q, d),
    ...projection("key", kv, d),
    ...projection("value", kv, d),
    ...projection("output", d, q),
    norm(prefix + LAYER.mlpNorm, config),
    ...projection("gate", f, d),
    ...projection("up", f, d),
    ...projection("down", d, f),
  ];
}

function matrix(name: string, dims: readonly number[]): Parameter {
  return { name, dims, initially: "normal" };
}

/** A norm begins by multiplying by one. */
function norm(name: string, { family, hiddenSize }: ModelShape): Parameter {
  return { name, dims: [hiddenSize], initially: 1 - TRAITS[family].normOffset };
}

/** How many numbers a model of this shape holds; a tied embedding counts once. */
export function parameterCount(config: ModelShape): number {
  return parametersOf(config)
    .reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0);
}
