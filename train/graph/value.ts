import type { Dtype } from "../../core/tensor.ts";
import { type Dim, formatDims } from "./dims.ts";
import type { Graph } from "./graph.ts";
import type { OpAttributes, OpType } from "./op_types.ts";
import { isHalf } from "./target.ts";

/** Element type and shape. */
export interface ValueType {
  readonly dtype: Dtype;
  readonly dims: readonly Dim[];
}

/** A tensor that a graph computes: the result of one node, or an input. */
export interface Value extends ValueType {
  readonly graph: Graph;
  /** Unique in its graph. */
  readonly name: string;
  /** What computes it; none for an input. */
  readonly producer?: Node;
}

/** One application of an op. */
export interface Node<Op extends OpType = OpType> {
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: OpAttributes[Op];
}

/** A type as `float32[S, 4]`. */
export function formatType({ dtype, dims }: ValueType): string {
  return `${dtype}${formatDims(dims)}`;
}

/** Whether gradients can flow through values of this type. */
export function isFloating(dtype: Dtype): boolean {
  return dtype === "float32" || dtype === "float64" || isHalf(dtype);
}
