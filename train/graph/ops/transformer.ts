import type { Dim } from "../dims.ts";
import type { Graph } from "../graph.ts";
import type { Activation } from "../op_types.ts";
import type { Value } from "../value.ts";
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

/**
 * What the mask adds where a query must not see a key. Finite, so that no 0 · ∞ can arise; exp() of
 * it is 0 in both floating types.
 */
export const MASKED = -1e9;

/** The mask of a sequence that reads from left to right: 0 on and below the diagonal, (T, T). */
export function causalMask(graph: Graph, time: Dim): Value {
  return trilu(full(graph, [time, time], { value: MASKED }), { upper: true, diagonal: 1 });
}

/** log softmax(logits) at the target of each row: logits (M, V), targets (M) int64 → (M). */
export function tokenLogp(logits: Value, targets: Value): Value {
  return logits.graph.emit("TokenLogp", [logits, targets], {})[0];
}
