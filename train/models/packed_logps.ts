import { type Dim, productDim } from "../graph/dims.ts";
import type { Graph } from "../graph/graph.ts";
import { cast, embedding, full } from "../graph/ops.ts";
import { reshape, route, routeAll, scatterElementsAdd } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import { holdsRests } from "../pack_plan.ts";
import type { AttentionBlocks } from "./attention_blocks.ts";
import type { ChunkedLogps } from "./chunked_logps.ts";
import type { ModelConfig } from "./config.ts";
import { type Grid, gridAttention, gridInputs } from "./pack_grids.ts";
import type { AngleInputs, Transformer } from "./transformer.ts";

/** The tensors of a `Pack` as inputs of a graph, under the same names. */
export interface PackInputs extends AngleInputs {
  readonly ids: Value;
  /** Of prompts, of replies, and of rests where those have one. */
  readonly grids: readonly Grid[];
  readonly querySlots: Value;
  readonly positions: Value;
  readonly targets: Value;
  /** What only gradients read; absent where none passes. */
  readonly inverses: { readonly keySlots?: Value; readonly predictions?: Value };
}

/** Whether gradients pass through a layer's keys and values, and through its attention at all. */
export interface GradientPaths {
  readonly keySlots: boolean;
  readonly predictions: boolean;
}

/**
 * Declares a pack's inputs, but for `segments`.
 *
 * @param replies S, the number of replies
 * @param paths none in a graph without gradients
 * @param rests whether the pack is laid out with a grid of rests
 * @param blocks that its grids are divided into; none unless given
 */
export function packInputs(
  graph: Graph,
  config: ModelConfig,
  { replies, paths, rests = holdsRests(config), blocks }: {
    readonly replies: Dim;
    readonly paths?: GradientPaths;
    readonly rests?: boolean;
    readonly blocks?: AttentionBlocks;
  },
): PackInputs {
  const { heads, keyValueHeads, headDim } = config;
  const indices = (name: string, ...dims: Dim[]) => graph.input(name, "int64", dims);
  const angle = (name: string) => graph.input(name, graph.dtype, ["N", headDim / 2]);
  return {
    ids: indices("ids", "N"),
    cos: angle("cos"),
    sin: angle("sin"),
    grids: gridInputs(graph, config, { replies, rests, blocks }),
    querySlots: indices("querySlots", "N", heads),
    positions: indices("positions", "M"),
    targets: indices("targets", "M"),
    inverses: {
      keySlots: paths?.keySlots ? indices("keySlots", "N", keyValueHeads, "E") : undefined,
      predictions: paths?.predictions ? indices("predictions", "N", "X") : undefined,
    },
  };
}

/** Who is told of values on the way. */
export interface HiddenListener {
  /** Of the rows looked up in the embedding table, (N, D). */
  readonly onRows?: (rows: Value) => void;
  /** Of what each layer begins with, (1, N, D), before it is built. */
  readonly onLayer?: (x: Value) => void;
  /** Of log-probs that were made a chunk of logits at a time, through which gradients do not pass. */
  readonly onChunked?: (chunked: ChunkedLogps) => void;
}

/** log π of each reply token given all before it: (M). Logits exist at reply positions only. */
export function replyTokenLogps(
  transformer: Transformer,
  pack: PackInputs,
  listener: HiddenListener = {},
): Value {
  const hidden = packedHidden(transformer, pack, listener);
  const { logps, chunked } = transformer.logps(hidden, pack.targets);
  if (chunked !== undefined) listener.onChunked?.(chunked);
  return logps;
}

/**
 * Summed reply log-probs, (S) float64: the losses subtract such sums from each other, and the sums
 * are large beside their differences.
 *
 * @param segments the reply that each reply token belongs to, (M) int64
 */
export function replyLogps(
  transformer: Transformer,
  pack: PackInputs,
  { segments, ...listener }: HiddenListener & { readonly segments: Value },
): Value {
  const logps = cast(replyTokenLogps(transformer, pack, listener), "float64"); // (M)
  const replies = pack.grids[1].queries.dims[0];
  const zeros = full(logps.graph, [replies], { value: 0, dtype: "float64" }); // (S)
  return scatterElementsAdd(zeros, { indices: segments, updates: logps, axis: 0 });
}

/**
 * Hidden states before the last norm, of the tokens that predict a reply token: (M, D). What is
 * computed token by token is computed for N tokens; only attention sees the grids of prompts and of
 * replies.
 */
function packedHidden(
  transformer: Transformer,
  pack: PackInputs,
  { onRows, onLayer }: HiddenListener,
): Value {
  const { layers, hiddenSize } = transformer.config;
  const mix = packedAttention(transformer, pack);
  const predicting = (x: Value) => {
    const rows = reshape(x, ["N", x.dims[2]]);
    const { positions: index, inverses: { predictions: inverse } } = pack;
    return inverse ? route(rows, { index, inverse }) : embedding(rows, index); // (M, W)
  };
  const rows = transformer.lookUp(pack.ids); // (N, D)
  onRows?.(rows);
  let x = reshape(transformer.embed(rows), [1, "N", hiddenSize]); // (1, N, D)
  for (let layer = 0; layer < layers; layer++) {
    onLayer?.(x);
    const mixed = mix(transformer.project(x, layer, pack)); // (1, N, H·C)
    const isLast = layer === layers - 1;
    // After the last attention, tokens that predict nothing are left out.
    x = isLast
      ? transformer.finish(predicting(x), predicting(mixed), layer)
      : transformer.finish(x, mixed, layer);
  }
  return x;
}

/** Queries (1, N, H, C), keys and values (1, N, K, C) of one layer. */
interface Projected {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/**
 * Attention within a pack, layer by layer: prompts read themselves, replies read their prompt and
 * themselves, their rests by themselves. Gives (1, N, H·C).
 */
function packedAttention(
  transformer: Transformer,
  pack: PackInputs,
): (projected: Projected) => Value {
  const { heads, keyValueHeads, headDim } = transformer.config;
  const { grids, querySlots, inverses: { keySlots } } = pack;
  const attend = grids.map((grid) => gridAttention(transformer, grid));
  const queryRoutings = {
    indices: grids.map(({ queries }) => queries),
    inverses: [flat(querySlots, 1)],
  };
  const keyRoutings = {
    indices: grids.map(({ keys }) => keys),
    inverses: keySlots && [flat(keySlots, keySlots.dims[2])],
  };
  const backRoutings = {
    indices: [flat(querySlots)],
    inverses: grids.map(({ queries }) => flat(queries, 1)),
  };
  return ({ q, k, v }) => {
    const queries = routeAll([reshape(q, [productDim(["N", heads]), headDim])], queryRoutings);
    const [keys, values] = [k, v].map((x) =>
      routeAll([reshape(x, [productDim(["N", keyValueHeads]), headDim])], keyRoutings)
    );
    const seen = attend.map((attend, i) => attend(queries[i], keys[i], values[i]));
    const [back] = routeAll(seen.map((x) => flat(x, headDim)), backRoutings);
    return reshape(back, [1, "N", heads * headDim]);
  };
}

/** All elements in one row, or in rows of a width. */
function flat(x: Value, width?: Dim): Value {
  if (width === undefined) return reshape(x, [productDim(x.dims)]);
  const leading = x.dims.at(-1) === width ? x.dims.slice(0, -1) : x.dims;
  return reshape(x, [productDim(leading), width]);
}
