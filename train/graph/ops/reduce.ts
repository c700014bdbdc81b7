import type { Value } from "../value.ts";

/** Which axes a reduction runs over. */
export interface ReduceOptions {
  /** All axes unless given; −1 is the last. */
  readonly axes?: readonly number[];
  /** Whether reduced axes stay, with size 1. */
  readonly keepDims?: boolean;
}

/** The sum over axes. */
export function reduceSum(x: Value, options: ReduceOptions = {}): Value {
  return reduce("ReduceSum", x, options);
}

/** The mean over axes. */
export function reduceMean(x: Value, options: ReduceOptions = {}): Value {
  return reduce("ReduceMean", x, options);
}

/** The maximum over axes; equal maxima share the gradient. */
export function reduceMax(x: Value, options: ReduceOptions = {}): Value {
  return reduce("ReduceMax", x, options);
}

/** The exponentials over the last axis, normalised to sum to one. */
export function softmax(x: Value): Value {
  return x.graph.emit("Softmax", [x], {})[0];
}

function reduce(
  op: "ReduceSum" | "ReduceMean" | "ReduceMax",
  x: Value,
  { axes = x.dims.map((_, i) => i), keepDims = false }: ReduceOptions,
): Value {
  const rank = x.dims.length;
  const positive = axes.map((axis) => axis < 0 ? axis + rank : axis).toSorted((a, b) => a - b);
  if (positive.length === 0) return x;
  return x.graph.emit(op, [x], { axes: positive, keepDims })[0];
}
