import { type Dim, productDim } from "../graph/dims.ts";
import type { Graph } from "../graph/graph.ts";
import { attention, blockAttention, causalMask, expand, orderMask } from "../graph/ops.ts";
import { greater, HIDDEN, mul, recomputedAttention, reshape } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { AttentionBlocks } from "./attention_blocks.ts";
import type { ModelConfig } from "./config.ts";
import type { Transformer } from "./transformer.ts";

/** What attends to what in one go. */
export interface Grid {
  /** The row of queries (N·H) that fills each slot, (S, H, T). */
  readonly queries: Value;
  /** The row of keys (N·K) that fills each slot, (S, K, U). */
  readonly keys: Value;
  /** What is seen: from left to right, or the keys whose order is not behind the query's. */
  readonly sight: "causal" | Orders;
  /** Whether what is mixed is computed in one kernel, and only its gradient block by block. */
  readonly fused: boolean;
}

interface Orders {
  /** Of queries, block by block, (n, Q, 1); (1, T, 1) where attention is computed all at once. */
  readonly queryOrder: Value;
  /** (S, 1, 1, U) or (1, 1, 1, U) */
  readonly keyOrder: Value;
}

/** How a pack's grids are laid out. */
interface GridsLayout {
  /** S, the number of replies. */
  readonly replies: Dim;
  /** Whether there is a grid of rests. */
  readonly rests: boolean;
  /** Blocks that attention is computed in; all at once unless given. */
  readonly blocks?: AttentionBlocks;
}

/**
 * Declares the grids of a pack as inputs of a graph: of prompts, of replies and, where they have one, of
 * rests.
 */
export function gridInputs(
  graph: Graph,
  { heads, keyValueHeads }: ModelConfig,
  { replies, rests, blocks }: GridsLayout,
): readonly Grid[] {
  const { fused = false } = blocks ?? {};
  const slots = (name: string, ...dims: Dim[]) => graph.input(name, "int64", dims);
  const order = (name: string, ...dims: Dim[]) => graph.input(`${name}Order`, graph.dtype, dims);
  const prompts = (): Grid => {
    const time = blocks === undefined ? "Tp" : productDim([blocks.prompts, "Qp"]);
    const grid = {
      queries: slots("promptQueries", "G", heads, time),
      keys: slots("promptKeys", "G", keyValueHeads, time),
      fused,
    };
    if (blocks === undefined) return { ...grid, sight: "causal" };
    const queryOrder = order("prompt", blocks.prompts, "Qp", 1);
    return { ...grid, sight: { queryOrder, keyOrder: reshape(queryOrder, [1, 1, 1, time]) } };
  };
  const someReplies = (
    name: "reply" | "rest",
    { rows, time, block, keys }: Record<"rows" | "time" | "block" | "keys", Dim>,
  ): Grid => {
    const [count, size] = blocks === undefined ? [1, time] : [blocks.replies, block];
    return {
      queries: slots(`${name}Queries`, rows, heads, productDim([count, size])),
      keys: slots(`${name}Keys`, rows, keyValueHeads, keys),
      sight: {
        queryOrder: order(name, count, size, 1),
        keyOrder: order(`${name}Key`, rows, 1, 1, keys),
      },
      fused,
    };
  };
  return [
    prompts(),
    someReplies("reply", { rows: replies, time: "Tr", block: "Qr", keys: "U" }),
    ...rests ? [someReplies("rest", { rows: "L", time: "Tl", block: "Ql", keys: "Ul" })] : [],
  ];
}

/** Attention within a grid, layer by layer: of queries (S, H, T, C), keys and values (S, K, U, C). */
export type GridAttention = (q: Value, k: Value, v: Value) => Value;

/** Makes once what the layers' attention within a grid has in common. */
export function gridAttention(transformer: Transformer, grid: Grid): GridAttention {
  const { queries, sight, fused } = grid;
  const { scale } = transformer;
  if (fused && sight !== "causal") {
    const [count, size] = sight.queryOrder.dims;
    const inOne = reshape(sight.queryOrder, [1, queries.dims[2], 1]); // (1, T, 1)
    const isBehind = greater(sight.keyOrder, inOne); // (S, 1, T, U) or (1, 1, T, U)
    const mask = mul(transformer.computed(isBehind), HIDDEN);
    const blocks = Array.from({ length: Number(count) }, () => size);
    return (q, k, v) => recomputedAttention({ q, k, v, mask, scale, blocks });
  }
  if (sight !== "causal" && sight.queryOrder.dims[0] !== 1) {
    return (q, k, v) => blockAttention({ q, k, v, ...sight, scale });
  }
  const mask = sight === "causal"
    ? transformer.computed(causalMask(queries.graph, queries.dims[2])) // (T, T)
    : forHeads(transformer.computed(orderMask(sight.queryOrder, sight.keyOrder)), queries);
  return (q, k, v) => attention({ q, k, v, mask, scale });
}

/** Once for all heads and layers, (S, H, T, U): sums of two tensors of one shape are fast. */
function forHeads(mask: Value, { dims }: Value): Value {
  return expand(mask, [...dims, mask.dims[3]]);
}
