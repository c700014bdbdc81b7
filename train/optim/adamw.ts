import { Graph } from "../graph/graph.ts";
import type { Dtype } from "../../core/tensor.ts";
import { abs, add, cast, div, greater, greaterOrEqual, less, mul } from "../graph/ops.ts";
import { reduceSum, reshape, sign, sqrt, sub, where } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";

/** Settings of AdamW that stay the same from step to step. */
export interface AdamwOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** λ; decoupled from the gradient. Norm weights decay like all others, as in PyTorch. */
  readonly weightDecay: number;
}

/**
 * AdamW (Loshchilov and Hutter, ICLR 2019, arXiv 1711.05101v3, algorithm 2 with a constant
 * multiplier folded into α), equal to PyTorch's `torch.optim.AdamW` up to rounding. Of step t, with
 * the gradient scaled down to the global norm allowed (`clipScale`):
 *
 *     g ← scale · g
 *     m ← β₁ m + (1 − β₁) g         v ← β₂ v + (1 − β₂) g²
 *     p ← p − α λ p − α · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
 *
 * Kept here are m / (1 − β₁) and v / (1 − β₂), and both bias corrections are moved into the two
 * scalars that are fed: the same numbers with four operations fewer for each element.
 *
 * As a graph over any n elements, so that an optimiser step can be taken piece by piece, each small
 * enough to stay in the processor's cache from the first operation to the last. Inputs: `value`,
 * `gradient`, `m`, `v` (n), and the scalars of `adamwScalars`. Outputs: the `next/…` of the four,
 * which may be written over them; the next gradient is zeros, ready to gather anew.
 *
 * With bfloat16 moments all is computed in float32, and m and v are rounded when they are put out: m to
 * the nearest, v at random (`roundedAtRandom`), which takes two inputs more, `noise` (n) and `phase` ().
 */
export function adamwGraph(
  { beta1, beta2, weightDecay }: AdamwOptions,
  { dtype = "float32", moments = dtype }: {
    readonly dtype?: Graph["dtype"];
    /** What m and v are fed and put out in; the graph's type unless given. */
    readonly moments?: Graph["dtype"] | "bfloat16";
  } = {},
): Graph {
  const graph = new Graph({ dtype });
  const elements = (name: string, dtype: Dtype = graph.dtype) => graph.input(name, dtype, ["n"]);
  const scalar = (name: string) => graph.input(name, graph.dtype, []);
  const moment = (name: string) => cast(elements(name, moments), graph.dtype);
  const value = elements("value");
  const g = mul(elements("gradient"), scalar("scale"));
  const m = add(mul(moment("m"), beta1), g);
  const v = add(mul(moment("v"), beta2), mul(g, g));
  const step = div(mul(m, scalar("stepSize")), add(sqrt(v), scalar("epsilon")));
  const decayed = weightDecay === 0 ? value : add(value, mul(value, scalar("decay")));
  graph.output("next/value", add(decayed, step));
  // Not a constant: it may be written over the gradient only once that has been read.
  graph.output("next/gradient", sub(g, g));
  graph.output("next/m", cast(m, moments));
  graph.output(
    "next/v",
    moments === "bfloat16" ? roundedAtRandom(v, elements("noise"), scalar("phase")) : v,
  );
  return graph;
}

/**
 * Positive float32 numbers as bfloat16, up or down with a probability that makes the mean of many
 * roundings the number itself. Rounded to the nearest, a v that one step changes by less than half of
 * its last bit would stay for good: β₂ = 0.999 takes off a quarter of that bit at most.
 *
 * The last bit's size is 2⁻⁷ of the power of two below the number. A product with 2²³ + 1 leaves of a
 * number the power beside it (Dekker, Numerische Mathematik 18, 1971), which may be the one above.
 *
 * @param noise of each element, in 0 … 1; the same ones every time
 * @param phase in 0 … 1, another one every time
 */
function roundedAtRandom(x: Value, noise: Value, phase: Value): Value {
  const sum = add(noise, phase);
  const u = where(greaterOrEqual(sum, 1), sub(sum, 1), sum);
  const large = mul(x, 2 ** 23 + 1);
  const power = sub(large, sub(large, x));
  const bit = mul(where(greater(power, x), mul(power, 0.5), power), 2 ** -7);
  const nearest = cast(cast(x, "bfloat16"), x.dtype);
  const error = sub(x, nearest);
  const moved = where(less(mul(u, bit), abs(error)), mul(sign(error), bit), 0);
  return cast(add(nearest, moved), "bfloat16");
}

/** Σ x² of any n elements: `x` (n) to `squares` (1). */
export function squaresGraph(): Graph {
  const graph = new Graph({ dtype: "float32" });
  const x = graph.input("x", graph.dtype, ["n"]);
  // A product of its own, since the order of a sum depends on where in memory its operand begins.
  graph.output("squares", reshape(reduceSum(mul(x, x)), [1]));
  return graph;
}

/**
 * What gradients of this global L2 norm are multiplied by: min(1, maxNorm / (norm + 10⁻⁶)) (Pascanu
 * et al., 2013), with the 10⁻⁶ of PyTorch's `clip_grad_norm_`.
 */
export function clipScale(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}

/** The scalars that `adamwGraph` is fed but `scale`, for a step (from 1) and its learning rate. */
export function adamwScalars(
  { beta1, beta2, epsilon, weightDecay }: AdamwOptions,
  step: number,
  learningRate: number,
): { stepSize: number; epsilon: number; decay: number } {
  const secondBias = Math.sqrt((1 - beta2 ** step) / (1 - beta2));
  const firstBias = (1 - beta1 ** step) / (1 - beta1);
  return {
    stepSize: -learningRate * secondBias / firstBias,
    epsilon: epsilon * secondBias,
    decay: -learningRate * weightDecay,
  };
}
