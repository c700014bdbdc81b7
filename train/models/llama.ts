import { add, embedding, gatedActivation, linear, reshape, rmsNorm, rotary } from "../graph/ops.ts";
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

/** Cosines and sines of the rotary angles of T positions, (T, C/2) each. */
export interface AngleInputs {
  readonly cos: Value;
  readonly sin: Value;
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
  project(x: Value, layer: number, { cos, sin }: AngleInputs) {
    const { heads, keyValueHeads, headDim } = this.config;
    const h = this.#norm(x, layerPrefix(layer) + LAYER.inputNorm); // (S, T, D)
    const inHeads = (name: string, count: number) => {
      const y = linear(h, this.#layer(layer, name)); // (S, T, count·C)
      return reshape(y, [y.dims[0], y.dims[1], count, headDim]);
    };
    return {
      q: rotary(inHeads(LAYER.query, heads), cos, sin), // (S, T, H, C)
      k: rotary(inHeads(LAYER.key, keyValueHeads), cos, sin), // (S, T, K, C)
      v: inHeads(LAYER.value, keyValueHeads), // (S, T, K, C)
    };
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
