import {
  add,
  causalAttention,
  embedding,
  expand,
  gatedActivation,
  gatherRows,
  linear,
  mul,
  reshape,
  rmsNorm,
  rotary,
  scatterRows,
} from "../graph/ops.ts";
import type { Graph } from "../graph/graph.ts";
import type { Value } from "../graph/value.ts";
import type { ModelConfig } from "./config.ts";
import { type FamilyTraits, type Projection, TRAITS } from "./families.ts";
import {
  biasName,
  EMBEDDING,
  FINAL_NORM,
  HEAD,
  LAYER,
  layerPrefix,
  parametersOf,
} from "./parameters.ts";

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
 * Final hidden states before the last norm, of the tokens asked for.
 *
 * Padding is to the right, so the causal mask alone keeps it out of every token's sight.
 *
 * @param positions which of the N tokens, (M), all different
 * @returns (M, D)
 */
export function hiddenStates(
  transformer: Transformer,
  inputs: SequenceInputs,
  positions: Value,
): Value {
  const { config } = transformer;
  const { ids, places } = inputs;
  const layout = { ...inputs, onGrid: (x: Value) => onGrid(x, inputs) };
  let x = transformer.embed(ids); // (N, D)
  for (let layer = 0; layer < config.layers; layer++) {
    const { q, k, v } = transformer.project(x, layer, layout);
    const mixed = offGrid(
      transformer.flatten(causalAttention({ q, k, v, scale: transformer.scale })),
    );
    const isLast = layer === config.layers - 1;
    // After the last attention, tokens that nobody asks for are left out.
    x = isLast
      ? transformer.finish(
        gatherRows(x, positions),
        gatherRows(mixed, gatherRows(places, positions)),
        layer,
      )
      : transformer.finish(x, gatherRows(mixed, places), layer);
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

/**
 * One decoder's weights in a graph, and the pieces that training and generation are put together
 * from: pre-norm attention over rotary positions and a gated MLP, each added to the residual stream.
 * What families do otherwise is in their traits.
 */
export class Transformer {
  readonly #traits: FamilyTraits;
  /** Multiplies attention scores: 1/sqrt(C). */
  readonly scale: number;

  constructor(readonly config: ModelConfig, readonly weights: WeightInputs) {
    this.#traits = TRAITS[config.family];
    this.scale = 1 / Math.sqrt(config.headDim);
  }

  /** Token ids (…) to embeddings (…, D). */
  embed(ids: Value): Value {
    const rows = embedding(this.#weight(EMBEDDING), ids);
    return this.#traits.scalesEmbeddings ? mul(rows, Math.sqrt(this.config.hiddenSize)) : rows;
  }

  /** Queries (S, T, H, C), keys and values (S, T, K, C) of a layer; x (…, D). */
  project(x: Value, layer: number, { cos, sin, onGrid }: Layout) {
    const { heads, keyValueHeads, headDim } = this.config;
    const h = this.#norm(x, layerPrefix(layer) + LAYER.inputNorm); // (…, D)
    const inHeads = (projection: Projection, count: number) => {
      const y = onGrid(this.#linear(h, layer, projection)); // (S, T, count·C)
      return reshape(y, [y.dims[0], y.dims[1], count, headDim]);
    };
    return {
      q: rotary(inHeads("query", heads), cos, sin), // (S, T, H, C)
      k: rotary(inHeads("key", keyValueHeads), cos, sin), // (S, T, K, C)
      v: inHeads("value", keyValueHeads), // (S, T, K, C)
    };
  }

  /** The heads' results side by side: (S, T, H, C) to (S, T, H·C). */
  flatten(mixed: Value): Value {
    const [s, t] = mixed.dims;
    return reshape(mixed, [s, t, this.config.heads * this.config.headDim]);
  }

  /** Output projection, residual and MLP of a layer: x (…, D), mixed (…, H·C) to (…, D). */
  finish(x: Value, mixed: Value, layer: number): Value {
    const y = add(x, this.#linear(mixed, layer, "output")); // (…, D)
    const h = this.#norm(y, layerPrefix(layer) + LAYER.mlpNorm); // (…, D)
    const gate = this.#linear(h, layer, "gate"); // (…, F)
    const up = this.#linear(h, layer, "up"); // (…, F)
    const gated = gatedActivation(gate, up, this.#traits.activation); // (…, F)
    return add(y, this.#linear(gated, layer, "down"));
  }

  /** Logits (M, V) of final hidden states (M, D). */
  logits(hidden: Value): Value {
    const head = this.#weight(this.config.tiedEmbeddings ? EMBEDDING : HEAD);
    return linear(this.#norm(hidden, FINAL_NORM), head);
  }

  /** One of a layer's matrices applied to x, with its bias where the family has one. */
  #linear(x: Value, layer: number, projection: Projection): Value {
    const y = linear(x, this.#weight(layerPrefix(layer) + LAYER[projection]));
    if (!this.#traits.biased.includes(projection)) return y;
    return add(y, this.#weight(layerPrefix(layer) + biasName(projection)));
  }

  #norm(x: Value, name: string): Value {
    const weight = this.#weight(name);
    const { normOffset } = this.#traits;
    const factor = normOffset === 0 ? weight : add(weight, normOffset);
    return rmsNorm(x, factor, this.config.normEpsilon);
  }

  #weight(name: string): Value {
    const weight = this.weights.get(name);
    if (weight === undefined) throw new RangeError(`Expected a weight named "${name}".`);
    return weight;
  }
}
