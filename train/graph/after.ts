import { int64 } from "../../core/tensor.ts";
import { productDim } from "./dims.ts";
import { add, cast, mul } from "./ops/elementwise.ts";
import { embedding } from "./ops/index.ts";
import { reshape } from "./ops/shape.ts";
import type { Value } from "./value.ts";

/** A tensor's first element, (1): what waits for it waits for all of it. */
export function firstElement(x: Value): Value {
  return embedding(reshape(x, [productDim(x.dims)]), x.graph.constant(int64([1], [0])));
}

/**
 * x once those are there that broadcast to it: no optimizer sees that nothing is added, nor takes what
 * is computed of it for what was computed of x before.
 */
export function after(x: Value, made: readonly Value[]): Value {
  return made.map((value) => cast(mul(value, 0), x.dtype)).reduce(add, x);
}
