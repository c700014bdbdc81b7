import {
  add,
  causalAttention,
  embedding,
  gatedActivation,
  gatherRows,
  linear,
  reshape,
  rmsNorm,
  rotary,
} from "../graph/ops.ts";
import type { Graph } from "../graph/graph.ts";
import type { Value } from "../graph/value.ts";
import type { ModelConfig } from "./config.ts";
import { EMBEDDING, FINAL_NORM, HEAD, LAYER, layerPrefix, parametersOf } from "./parameters.ts";

/** The weights of a model as inputs of a graph, by name. */
export type WeightInputs = ReadonlyMap<string, Value>;

/** Declares a model's weights as inputs under their own names: never initialisers, so they can change. */
export function weightInputs(graph: Graph, config: ModelConfig): WeightInputs {
  return new Map(
    parametersOf(config).map(({ name, dims }) => [name, graph.input(name, graph.dtype, dims)]),
  );
}

/** A batch of token sequences as graph values. */
export interface SequenceInputs {
  /** Token ids, right-padded, (S, T) int64. */
  readonly ids: Value;
  /** Cosines and sines of the rotary angles, (T, C/2). */
  readonly cos: Value;
  readonly sin: Value;
}

/**
 * Final hidden states before the last norm, of the rows asked for. Llama (Touvron et al., 2023) as
 * `LlamaForCausalLM` computes it: pre-norm attention and SwiGLU, rotary positions, no biases.
 *
 * Sequences are right-padded, so the causal mask alone keeps padding out of every real position.
 *
 * @param positions rows of the flattened (S·T) to compute the last layer's output for, (M), all different
 * @returns (M, D)
 */
export function llamaHidden(
  llama: Llama,
  { ids, cos, sin }: SequenceInputs,
  positions: Value,
): Value {
  const { config } = llama;
  let x = llama.embed(ids); // (S, T, D)
  for (let layer = 0; layer < config.layers; layer++) {
    const { q, k, v } = llama.project(x, layer, { cos, sin });
    const mixed = llama.flatten(causalAttention({ q, k, v, scale: llama.scale }));
    const last = layer === config.layers - 1;
    // What follows the last attention is row by row: rows that nobody reads are left out.
    const rows = (value: Value) => last ? gatherRows(asRows(value), positions) : value;
    x = llama.finish(rows(x), rows(mixed), layer);
  }
  return x;
}

/** (S, T, …) as rows (S·T, …). */
function asRows(x: Value): Value {
  const [s, t, ...rest] = x.dims;
  return reshape(x, [`${s}*${t}`, ...rest]);
}

/** One decoder's weights in a graph, and the pieces that training and generation are put together from. */
export class Llama {
  /** Multiplies attention scores: 1/sqrt(C). */
  readonly scale: number;

  constructor(readonly config: ModelConfig, readonly weights: WeightInputs) {
    this.scale = 1 / Math.sqrt(config.headDim);
  }

  /** Token ids (…) to embeddings (…, D). */
  embed(ids: Value): Value {
    return embedding(this.#weight(EMBEDDING), ids);
  }

  /** Queries (S, T, H, C), keys and values (S, T, K, C) of a layer; x (S, T, D). */
  project(x: Value, layer: number, angles: { readonly cos: Value; readonly sin: Value }) {
    const { heads, keyValueHeads, headDim } = this.config;
    const [s, t] = x.dims;
    const h = this.#norm(x, layerPrefix(layer) + LAYER.inputNorm); // (S, T, D)
    const inHeads = (name: string, count: number) =>
      reshape(linear(h, this.#layer(layer, name)), [s, t, count, headDim]);
    return {
      q: rotary(inHeads(LAYER.query, heads), angles.cos, angles.sin), // (S, T, H, C)
      k: rotary(inHeads(LAYER.key, keyValueHeads), angles.cos, angles.sin), // (S, T, K, C)
      v: inHeads(LAYER.value, keyValueHeads), // (S, T, K, C)
    };
  }

  /** The heads' results side by side: (S, T, H, C) to (S, T, H·C). */
  flatten(mixed: Value): Value {
    const [s, t] = mixed.dims;
    return reshape(mixed, [s, t, this.config.heads * this.config.headDim]);
  }

  /** Output projection, residual and MLP of a layer: x (…, D), mixed (…, H·C) to (…, D). */
  finish(x: Value, mixed: Value, layer: number): Value {
    const y = add(x, linear(mixed, this.#layer(layer, LAYER.output))); // (…, D)
    const h = this.#norm(y, layerPrefix(layer) + LAYER.mlpNorm); // (…, D)
    const gate = linear(h, this.#layer(layer, LAYER.gate)); // (…, F)
    const up = linear(h, this.#layer(layer, LAYER.up)); // (…, F)
    return add(y, linear(gatedActivation(gate, up), this.#layer(layer, LAYER.down)));
  }

  /** Logits (M, V) of final hidden states (M, D). */
  logits(hidden: Value): Value {
    const head = this.#weight(this.config.tiedEmbeddings ? EMBEDDING : HEAD);
    return linear(this.#norm(hidden, FINAL_NORM), head);
  }

  #norm(x: Value, name: string): Value {
    return rmsNorm(x, this.#weight(name), this.config.normEpsilon);
  }

  #layer(layer: number, name: string): Value {
    return this.#weight(layerPrefix(layer) + name);
  }

  #weight(name: string): Value {
    const weight = this.weights.get(name);
    if (weight === undefined) throw new RangeError(`Expected a weight named "${name}".`);
    return weight;
  }
}
