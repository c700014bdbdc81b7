import {
  add,
  causalAttention,
  embedding,
  expand,
  gatedActivation,
  gatherRows,
  linear,
  reshape,
  rmsNorm,
  rotary,
  scatterRows,
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

/**
 * A batch of token sequences as graph values: S sequences of at most T tokens, N tokens in all. What
 * is computed token by token is computed for those N; only attention sees the padded grid (S, T).
 */
export interface SequenceInputs {
  /** Token ids, one sequence after the other, (N) int64. */
  readonly ids: Value;
  /** The place of each token in the flattened grid (S·T), (N) int64, all different. */
  readonly places: Value;
  /** Zeros (S, T): the empty grid, whose rows sequences fill from the left. */
  readonly grid: Value;
  /** Cosines and sines of the rotary angles, (T, C/2). */
  readonly cos: Value;
  readonly sin: Value;
}

/**
 * Final hidden states before the last norm, of the tokens asked for. Llama (Touvron et al., 2023) as
 * `LlamaForCausalLM` computes it: pre-norm attention and SwiGLU, rotary positions, no biases.
 *
 * Padding is to the right, so the causal mask alone keeps it out of every token's sight.
 *
 * @param positions which of the N tokens, (M), all different
 * @returns (M, D)
 */
export function llamaHidden(llama: Llama, inputs: SequenceInputs, positions: Value): Value {
  const { config } = llama;
  const { ids, places } = inputs;
  const layout = { ...inputs, onGrid: (x: Value) => onGrid(x, inputs) };
  let x = llama.embed(ids); // (N, D)
  for (let layer = 0; layer < config.layers; layer++) {
    const { q, k, v } = llama.project(x, layer, layout);
    const mixed = offGrid(llama.flatten(causalAttention({ q, k, v, scale: llama.scale })));
    const isLast = layer === config.layers - 1;
    // After the last attention, tokens that nobody asks for are left out.
    x = isLast
      ? llama.finish(
        gatherRows(x, positions),
        gatherRows(mixed, gatherRows(places, positions)),
        layer,
      )
      : llama.finish(x, gatherRows(mixed, places), layer);
  }
  return x;
}

/** Tokens (N, W) on the grid (S, T, W), zeros between. */
function onGrid(x: Value, { grid, places }: SequenceInputs): Value {
  const [s, t] = grid.dims;
  const width = x.dims[1];
  const empty = expand(reshape(grid, [`${s}*${t}`, 1]), [`${s}*${t}`, width]);
  return reshape(scatterRows(empty, { rows: places, updates: x }), [s, t, width]);
}

/** The grid (S, T, W) as rows (S·T, W). */
function offGrid(x: Value): Value {
  const [s, t, width] = x.dims;
  return reshape(x, [`${s}*${t}`, width]);
}

/** How a layer's tokens get onto the grid that attention works on, and the angles there. */
export interface Layout {
  readonly cos: Value;
  readonly sin: Value;
  /** (…, W) to (S, T, W). */
  onGrid(x: Value): Value;
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

  /** Queries (S, T, H, C), keys and values (S, T, K, C) of a layer; x (…, D). */
  project(x: Value, layer: number, { cos, sin, onGrid }: Layout) {
    const { heads, keyValueHeads, headDim } = this.config;
    const h = this.#norm(x, layerPrefix(layer) + LAYER.inputNorm); // (…, D)
    const inHeads = (name: string, count: number) => {
      const y = onGrid(linear(h, this.#layer(layer, name))); // (S, T, count·C)
      return reshape(y, [y.dims[0], y.dims[1], count, headDim]);
    };
    return {
      q: rotary(inHeads(LAYER.query, heads), cos, sin), // (S, T, H, C)
      k: rotary(inHeads(LAYER.key, keyValueHeads), cos, sin), // (S, T, K, C)
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
