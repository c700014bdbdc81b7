import type { Dim } from "../dims.ts";
import type { Graph } from "../graph.ts";
import type { Activation } from "../op_types.ts";
import type { Value } from "../value.ts";
import { mul, relu, sub } from "./elementwise.ts";
import { full, trilu } from "./shape.ts";

/**
 * Root-mean-square normalisation over the last axis (Zhang and Sennrich, 2019):
 * x / sqrt(mean(x²) + epsilon) · weight; x (…, D), weight (D).
 */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  return x.graph.emit("RmsNorm", [x, weight], { epsilon })[0];
}

/** activation(gate) · up (SwiGLU, GeGLU; Shazeer, 2020); both (…, F). */
export function gatedActivation(
  gate: Value,
  up: Value,
  activation: Activation = "silu",
): Value {
  return gate.graph.emit("GatedActivation", [gate, up], { activation })[0];
}

/**
 * Rotary position embedding (Su et al., 2021) in the half-split layout of Hugging Face's llama:
 * element i of a head turns with element i + D/2.
 *
 * @param x (S, T, H, D)
 * @param cos cosines of position · frequency, (T, D/2)
 * @param sin sines, (T, D/2)
 */
export function rotary(x: Value, cos: Value, sin: Value): Value {
  return x.graph.emit("Rotary", [x, cos, sin], {})[0];
}

/** Operands of attention: q (S, H, T, D), k and v (S, K, U, D). */
export interface AttentionOperands {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  /** Added to the scores, broadcast to (S, H, T, U): 0 where a query sees a key, else very low. */
  readonly mask: Value;
  /** Multiplies q · kᵀ; usually 1/sqrt(D). */
  readonly scale: number;
}

/**
 * Grouped-query attention: (S, H, T, D). Query head h reads key head ⌊h·K/H⌋.
 * (Vaswani et al., 2017; Ainslie et al., 2023)
 */
export function attention({ q, k, v, mask, scale }: AttentionOperands): Value {
  return q.graph.emit("Attention", [q, k, v, mask], { scale })[0];
}

/** Operands of attention in blocks: q (S, H, T, D), k and v (S, K, U, D). */
export interface BlockAttentionOperands extends Omit<AttentionOperands, "mask"> {
  /** Of the queries of n blocks, (n, Q, 1) with n·Q = T: each sees the keys that are not behind it. */
  readonly queryOrder: Value;
  /** Of the keys, (S, 1, 1, U), or (1, 1, 1, U) for all sequences alike; of the same type. */
  readonly keyOrder: Value;
}

/**
 * Grouped-query attention from left to right, (S, H, T, D): a query sees keys whose order is at most its
 * own. Scores and probabilities are there for one block of queries at a time, for the gradient a second
 * time, so that memory is linear in T.
 */
export function blockAttention(
  { q, k, v, queryOrder, keyOrder, scale }: BlockAttentionOperands,
): Value {
  return q.graph.emit("BlockAttention", [q, k, v, queryOrder, keyOrder], { scale })[0];
}

/** Operands of attention that is computed a second time for the gradient; the mask (S or 1, 1, T, U). */
export interface RecomputedAttentionOperands extends AttentionOperands {
  /** Queries of each of the blocks that the gradient is computed in, in order: together T. */
  readonly blocks: readonly Dim[];
}

/**
 * Grouped-query attention, (S, H, T, D), in one kernel where there is one that holds few scores at a time.
 * It gives nothing but the result, so that the gradient computes probabilities a second time, of one block
 * of queries after the other.
 */
export function recomputedAttention(
  { q, k, v, mask, scale, blocks }: RecomputedAttentionOperands,
): Value {
  return q.graph.emit("RecomputedAttention", [q, k, v, mask], { scale, blocks })[0];
}

/**
 * What the mask adds where a query must not see a key. Finite, so that no 0 · ∞ can arise; exp() of
 * it is 0 in both floating types. In float16 it is −∞, which is harmless where a query sees some key.
 */
export const MASKED = -1e9;

/** The mask of a sequence that reads from left to right: 0 on and below the diagonal, (T, T). */
export function causalMask(graph: Graph, time: Dim): Value {
  return trilu(full(graph, [time, time], { value: MASKED }), { upper: true, diagonal: 1 });
}

/**
 * What hides keys that are behind a query: 0 where the key's order is no higher, (S, 1, T, U). Orders are
 * whole numbers, (1, T, 1) of queries and (S, 1, 1, U) of keys.
 */
export function orderMask(queryOrder: Value, keyOrder: Value): Value {
  return mul(relu(sub(keyOrder, queryOrder)), MASKED);
}

/**
 * What the mask of `recomputedAttention` adds where a query must not see a key: as good as −∞ beside scores,
 * and finite in float16, too, so that a kernel may meet hidden keys before all others.
 */
export const HIDDEN = -30000;

/** log softmax(logits) at the target of each row: logits (M, V), targets (M) int64 → (M). */
export function tokenLogp(logits: Value, targets: Value): Value {
  return logits.graph.emit("TokenLogp", [logits, targets], {})[0];
}

/** Operands of attention over a cache: B rows, each with tokens of its own number in the cache. */
export interface CachedAttentionOperands {
  /** New queries (B, T, H·C), not yet turned by their positions. */
  readonly q: Value;
  /** New keys (B, T, K·C), not yet turned. */
  readonly k: Value;
  /** New values (B, T, K·C). */
  readonly v: Value;
  /** The cache of keys (B, K, U, C); what lies behind a row's tokens is not read. */
  readonly keys: Value;
  /** The cache of values, (B, K, U, C). */
  readonly values: Value;
  /** Where in the cache each row's last new token belongs, (B) int32: it reads what is up to there. */
  readonly last: Value;
  /**
   * How many tokens the longest row has with the new ones, () int32. T says that all rows are new:
   * only then may T be more than 1.
   */
  readonly longest: Value;
  /** Cosines and sines of position · frequency, (P, C/2): every position's that may be asked for. */
  readonly cos: Value;
  readonly sin: Value;
  /** H */
  readonly heads: number;
  /** K */
  readonly keyValueHeads: number;
  /** Multiplies q · kᵀ; usually 1/sqrt(C). */
  readonly scale: number;
}

/**
 * Causal grouped-query attention of new tokens, after rotary embedding in the half-split layout, over
 * all that their row has in the cache: `mixed` (B, T, H·C), and the caches with the new tokens' keys
 * and values written to their places. Where a cache is put out into the tensor that it was fed in,
 * nothing else of it is touched.
 */
export function cachedAttention(
  { q, k, v, keys, values, last, longest, cos, sin, ...attributes }: CachedAttentionOperands,
): { readonly mixed: Value; readonly keys: Value; readonly values: Value } {
  const operands = [q, k, v, keys, values, last, longest, cos, sin];
  const [mixed, nextKeys, nextValues] = q.graph.emit("CachedAttention", operands, attributes);
  return { mixed, keys: nextKeys, values: nextValues };
}
