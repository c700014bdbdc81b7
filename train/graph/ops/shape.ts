import { canonicalDim, type Dim, equalDims } from "../dims.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../value.ts";
import { cast } from "./elementwise.ts";

/** The same elements in another shape; sizes may be symbols of the graph's inputs. */
export function reshape(x: Value, dims: readonly Dim[]): Value {
  const target = dims.map(canonicalDim);
  return equalDims(target, x.dims) ? x : x.graph.emit("Reshape", [x], { dims: target })[0];
}

/** Axes in another order: axis i of the result is axis `permutation[i]` of x. */
export function transpose(x: Value, permutation: readonly number[]): Value {
  if (permutation.every((axis, i) => axis === i) && permutation.length === x.dims.length) return x;
  return x.graph.emit("Transpose", [x], { permutation })[0];
}

/** Repeats along axes of size 1, and along new leading axes, to this shape. */
export function expand(x: Value, dims: readonly Dim[]): Value {
  const target = dims.map(canonicalDim);
  return equalDims(target, x.dims) ? x : x.graph.emit("Expand", [x], { dims: target })[0];
}

/** Tensors one after the other along an axis; −1 is the last. */
export function concat(values: readonly Value[], axis: number): Value {
  if (values.length === 0) throw new RangeError("Expected at least one tensor but found none.");
  if (values.length === 1) return values[0];
  return values[0].graph.emit("Concat", values, { axis: positiveAxis(values[0], axis) })[0];
}

/** Consecutive pieces of these sizes along an axis; −1 is the last. */
export function split(
  x: Value,
  { axis, sizes }: { readonly axis: number; readonly sizes: readonly Dim[] },
): readonly Value[] {
  if (sizes.length === 1 && canonicalDim(sizes[0]) === x.dims[positiveAxis(x, axis)]) return [x];
  return x.graph.emit("Split", [x], {
    axis: positiveAxis(x, axis),
    sizes: sizes.map(canonicalDim),
  });
}

/** Elements `start` (included) to `end` (excluded) of an axis; −1 is the last axis. */
export function slice(
  x: Value,
  { axis, start, end }: { readonly axis: number; readonly start: Dim; readonly end: Dim },
): Value {
  return x.graph.emit("Slice", [x], {
    axis: positiveAxis(x, axis),
    start: canonicalDim(start),
    end: canonicalDim(end),
  })[0];
}

/** A tensor filled with one number. */
export function full(
  graph: Graph,
  dims: readonly Dim[],
  { value, dtype = graph.dtype }: { readonly value: number; readonly dtype?: Value["dtype"] },
): Value {
  return graph.emit("Full", [], { value, dtype, dims: dims.map(canonicalDim) })[0];
}

/** How large a symbol, or a product of symbols, is in this run: a scalar of the graph's dtype. */
export function sizeOf(graph: Graph, dim: Dim): Value {
  const size = canonicalDim(dim);
  if (typeof size === "number") return graph.scalar(size);
  return cast(graph.emit("Size", [], { dim: size })[0], graph.dtype);
}

/** A matrix with only the elements on and above (or below) a diagonal kept; others become 0. */
export function trilu(
  x: Value,
  { upper, diagonal = 0 }: { readonly upper: boolean; readonly diagonal?: number },
): Value {
  return x.graph.emit("Trilu", [x], { upper, diagonal })[0];
}

function positiveAxis(x: Value, axis: number): number {
  return axis < 0 ? axis + x.dims.length : axis;
}
