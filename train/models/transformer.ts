import type { Dtype } from "../../core/tensor.ts";
import {
  add,
  attention,
  cachedAttention,
  type CachedAttentionOperands,
  cast,
  embedding,
  gatedActivation,
  linear,
  mul,
  reshape,
  rmsNorm,
  rotary,
  tokenLogp,
  transpose,
} from "../graph/ops.ts";
import type { Graph } from "../graph/graph.ts";
import type { Value } from "../graph/value.ts";
import { adapterNames, adapterParametersOf } from "./adapter.ts";
import type { AdapterConfig } from "./adapter_config.ts";
import { type ChunkedLogps, chunkedLogps } from "./chunked_logps.ts";
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
import { type HeadChunk, headName } from "./head_chunks.ts";
import { type PlainAttentionOperands, plainCachedAttention } from "./plain_cached_attention.ts";

/** The weights of a model as inputs of a graph, by name. */
export type WeightInputs = ReadonlyMap<string, Value>;

/**
 * Declares a model's weights as inputs under their own names: never initialisers, so they can change.
 *
 * @param dtype that they are fed in; the graph's unless given
 * @param reads which of them the graph reads; all unless given
 * @param chunks of the output projection, which are fed instead of it, or beside the embedding
 */
export function weightInputs(
  graph: Graph,
  config: ModelConfig,
  { dtype = graph.dtype, reads = () => true, chunks = [] }: {
    readonly dtype?: Dtype;
    readonly reads?: (name: string) => boolean;
    readonly chunks?: readonly HeadChunk[];
  } = {},
): WeightInputs {
  const isWhole = ({ name }: { readonly name: string }) => name !== HEAD || chunks.length === 0;
  const parameters = [
    ...parametersOf(config).filter(({ name }) => reads(name)).filter(isWhole),
    ...chunks.map(({ name, start, end }) => ({ name, dims: [end - start, config.hiddenSize] })),
  ];
  return new Map(parameters.map(({ name, dims }) => [name, graph.input(name, dtype, dims)]));
}

/** The weights of an adapter as inputs of a graph, and the factor of what it adds: alpha/rank. */
export interface AdapterInputs {
  readonly scale: number;
  readonly weights: WeightInputs;
}

/** Declares an adapter's weights as inputs under their own names. */
export function adapterInputs(
  graph: Graph,
  adapter: AdapterConfig,
  model: ModelConfig,
): AdapterInputs {
  const parameters = adapterParametersOf(adapter, model);
  return {
    scale: adapter.alpha / adapter.rank,
    weights: new Map(
      parameters.map(({ name, dims }) => [name, graph.input(name, graph.dtype, dims)]),
    ),
  };
}

/** Cosines and sines of the rotary angles of T positions, (T, C/2) each. */
export interface AngleInputs {
  readonly cos: Value;
  readonly sin: Value;
}

/** What attention reads of a layer's cache, and where. */
export type CacheInputs = Pick<
  CachedAttentionOperands,
  "keys" | "values" | "last" | "longest" | "cos" | "sin"
>;

/** The same, for attention of plain ops. */
export type PlainCacheInputs = Pick<PlainAttentionOperands, "keys" | "values" | "places">;

/** How a transformer computes. */
export interface TransformerOptions {
  /**
   * What layers and head compute in, whatever the weights are fed in; the graph's type unless given.
   * With 16 bits norms, softmax and sums are computed in float32 inside their kernels, log-probs and
   * losses in float32 and float64 altogether.
   */
  readonly precision?: Dtype;
  /** Multiplies attention scores; 1/sqrt(C) unless given. */
  readonly scale?: number;
  /** What the output projection is fed in; whole unless given. */
  readonly chunks?: readonly HeadChunk[];
}

/**
 * One decoder's weights in a graph, and the pieces that training and generation are put together
 * from: pre-norm attention over rotary positions and a gated MLP, each added to the residual stream.
 * What families do otherwise is in their traits.
 */
export class Transformer {
  readonly #traits: FamilyTraits;
  readonly #precision: Dtype | undefined;
  readonly #chunks: readonly HeadChunk[];
  /** Multiplies attention scores. */
  readonly scale: number;

  constructor(
    readonly config: ModelConfig,
    readonly weights: WeightInputs,
    readonly adapter?: AdapterInputs,
    options: TransformerOptions = {},
  ) {
    this.#traits = TRAITS[config.family];
    this.#precision = options.precision;
    this.#chunks = options.chunks ?? [];
    this.scale = options.scale ?? 1 / Math.sqrt(config.headDim);
  }

  /** The rows of the embedding table of token ids, as the table is fed: (…) to (…, D). */
  lookUp(ids: Value): Value {
    return embedding(this.#fed(EMBEDDING), ids);
  }

  /** Rows of the table as what the first layer reads, (…, D). */
  embed(rows: Value): Value {
    const x = this.computed(rows);
    return this.#traits.scalesEmbeddings ? mul(x, Math.sqrt(this.config.hiddenSize)) : x;
  }

  /** A value in the type that layers compute in. */
  computed(x: Value): Value {
    return cast(x, this.#precision ?? x.graph.dtype);
  }

  /** Queries (S, T, H, C), keys and values (S, T, K, C) of a layer; x (S, T, D). */
  project(x: Value, layer: number, angles: AngleInputs) {
    const [cos, sin] = [this.computed(angles.cos), this.computed(angles.sin)];
    const { heads, keyValueHeads, headDim } = this.config;
    const { q, k, v } = this.#project(x, layer);
    const inHeads = (y: Value, count: number) => reshape(y, [y.dims[0], y.dims[1], count, headDim]);
    return {
      q: rotary(inHeads(q, heads), cos, sin), // (S, T, H, C)
      k: rotary(inHeads(k, keyValueHeads), cos, sin), // (S, T, K, C)
      v: inHeads(v, keyValueHeads), // (S, T, K, C)
    };
  }

  /** Queries (S, T, H·C), keys and values (S, T, K·C) of a layer, before positions turn them. */
  #project(x: Value, layer: number) {
    const h = this.#norm(x, layerPrefix(layer) + LAYER.inputNorm); // (S, T, D)
    return {
      q: this.#linear(h, layer, "query"),
      k: this.#linear(h, layer, "key"),
      v: this.#linear(h, layer, "value"),
    };
  }

  /**
   * Attention of a layer over whole sequences, x (S, T, D): what it mixes (S, T, H·C), and the keys and
   * values that it read (S, K, T, C).
   *
   * @param mask added to the scores, (T, T): `causalMask`
   */
  attend(x: Value, layer: number, { angles, mask }: {
    readonly angles: AngleInputs;
    readonly mask: Value;
  }) {
    const projected = this.project(x, layer, angles);
    const [q, keys, values] = [projected.q, projected.k, projected.v].map(headsFirst);
    const seen = attention({ q, k: keys, v: values, mask, scale: this.scale }); // (S, H, T, C)
    const { heads, headDim } = this.config;
    return {
      mixed: reshape(headsFirst(seen), [...x.dims.slice(0, 2), heads * headDim]),
      keys,
      values,
    };
  }

  /** Attention of a layer over a cache, x (B, T, D): what it mixes (B, T, H·C), and the caches after. */
  attendToCache(x: Value, layer: number, cache: CacheInputs) {
    const { heads, keyValueHeads } = this.config;
    const projected = this.#project(x, layer);
    return cachedAttention({ ...projected, ...cache, heads, keyValueHeads, scale: this.scale });
  }

  /** As `attendToCache`, of plain ops, over caches in the type that layers compute in. */
  attendPlainly(x: Value, layer: number, cache: PlainCacheInputs) {
    const { heads, keyValueHeads } = this.config;
    const projected = this.#project(x, layer);
    return plainCachedAttention({
      ...projected,
      ...cache,
      heads,
      keyValueHeads,
      scale: this.scale,
    });
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

  /** Logits (M, V) of final hidden states (M, D), in the graph's type. */
  logits(hidden: Value): Value {
    const head = this.#weight(headName(this.config));
    return cast(linear(this.#norm(hidden, FINAL_NORM), head), hidden.graph.dtype);
  }

  /**
   * log π of a token for each final hidden state, (M, D) and (M) to (M): by its logits, or, where the
   * output projection is fed in chunks, without all of them at once.
   */
  logps(hidden: Value, targets: Value): { readonly logps: Value; readonly chunked?: ChunkedLogps } {
    if (this.#chunks.length === 0) return { logps: tokenLogp(this.logits(hidden), targets) };
    const chunks = this.#chunks.map((chunk) => ({ ...chunk, weight: this.#weight(chunk.name) }));
    const chunked = chunkedLogps({ hidden: this.#norm(hidden, FINAL_NORM), targets, chunks });
    return { logps: chunked.logps, chunked };
  }

  /** One of a layer's matrices applied to x, with its bias where the family has one. */
  #linear(x: Value, layer: number, projection: Projection): Value {
    const plain = linear(x, this.#weight(layerPrefix(layer) + LAYER[projection]));
    const added = this.#adapted(x, layer, projection);
    const y = added === null ? plain : add(plain, added);
    if (!this.#traits.biased.includes(projection)) return y;
    return add(y, this.#weight(layerPrefix(layer) + biasName(projection)));
  }

  /** (alpha/rank)·(x·Aᵀ)·Bᵀ, where an adapter changes this matrix: (…, in) to (…, out). */
  #adapted(x: Value, layer: number, projection: Projection): Value | null {
    if (this.adapter === undefined) return null;
    const { weights, scale } = this.adapter;
    const names = adapterNames(layer, projection);
    const [a, b] = [weights.get(names.a), weights.get(names.b)];
    if (a === undefined || b === undefined) return null;
    // Scaled where it is narrow: (…, R)
    return linear(mul(linear(x, this.computed(a)), scale), this.computed(b));
  }

  #norm(x: Value, name: string): Value {
    const weight = this.#fed(name);
    const { normOffset } = this.#traits;
    const factor = normOffset === 0 ? weight : add(weight, normOffset);
    return rmsNorm(x, this.computed(factor), this.config.normEpsilon);
  }

  #weight(name: string): Value {
    return this.computed(this.#fed(name));
  }

  #fed(name: string): Value {
    const weight = this.weights.get(name);
    if (weight === undefined) throw new RangeError(`Expected a weight named "${name}".`);
    return weight;
  }
}

/** (S, T, K, C) to (S, K, T, C), and back. */
function headsFirst(x: Value): Value {
  return transpose(x, [0, 2, 1, 3]);
}
