import type { Activation } from "../op_types.ts";
import type { Value } from "../value.ts";

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

/** Operands of attention: q (S, T, H, D), k and v (S, U, K, D). */
export interface AttentionOperands {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  /** Multiplies q · kᵀ; usually 1/sqrt(D). */
  readonly scale: number;
}

/**
 * Grouped-query attention over all keys: (S, T, H, D). Query head h reads key head ⌊h·K/H⌋.
 * (Vaswani et al., 2017; Ainslie et al., 2023)
 */
export function attention({ q, k, v, scale }: AttentionOperands): Value {
  return q.graph.emit("Attention", [q, k, v], { scale, causal: false })[0];
}

/** As `attention()`, each query reading keys up to its own position; T = U. */
export function causalAttention({ q, k, v, scale }: AttentionOperands): Value {
  return q.graph.emit("Attention", [q, k, v], { scale, causal: true })[0];
}

/** log softmax(logits) at the target of each row: logits (M, V), targets (M) int64 → (M). */
export function tokenLogp(logits: Value, targets: Value): Value {
  return logits.graph.emit("TokenLogp", [logits, targets], {})[0];
}
