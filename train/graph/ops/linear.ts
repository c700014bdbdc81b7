import { productDim } from "../dims.ts";
import type { Value } from "../value.ts";
import { reshape } from "./shape.ts";

/** Which operands of a product are transposed (their last two axes swapped). */
export interface Transposes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** How a batched product is taken. */
export interface ProductOptions extends Transposes {
  /** Multiplies the product; 1 unless given. */
  readonly scale?: number;
}

/** Matrix products over the last two axes; leading axes broadcast: (…, m, k) · (…, k, n). */
export function matmul(a: Value, b: Value, options: ProductOptions = {}): Value {
  const { transposeA = false, transposeB = false, scale = 1 } = options;
  return a.graph.emit("BatchMatMul", [a, b], { transposeA, transposeB, scale })[0];
}

/** One matrix product: (m, k) · (k, n), each operand possibly stored transposed. */
export function gemm(a: Value, b: Value, options: Transposes = {}): Value {
  const { transposeA = false, transposeB = false } = options;
  return a.graph.emit("Gemm", [a, b], { transposeA, transposeB })[0];
}

/**
 * x (…, in) times a weight stored (out, in), as PyTorch and Hugging Face have it: y = x · Wᵀ,
 * (…, out). With `transposeWeight: false` the weight is stored (in, out).
 */
export function linear(
  x: Value,
  weight: Value,
  { transposeWeight = true }: { readonly transposeWeight?: boolean } = {},
): Value {
  const leading = x.dims.slice(0, -1);
  const rows = reshape(x, [productDim(leading), x.dims[x.dims.length - 1]]);
  const y = gemm(rows, weight, { transposeB: transposeWeight });
  return reshape(y, [...leading, y.dims[1]]);
}
