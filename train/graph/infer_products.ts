import type { Dtype } from "../../core/tensor.ts";
import { broadcastDims, type Dim, equalDims } from "./dims.ts";
import type { OpAttributes } from "./op_types.ts";
import { isHalf } from "./target.ts";
import { isFloating, type ValueType } from "./value.ts";

/** Throws RangeError with op and all input types unless the condition holds. */
export type Expect = (condition: boolean, message: string) => asserts condition;

/** The last two axes of a matrix operand, after the transposition asked for. */
function matrixDims(x: ValueType, transposed: boolean, expect: Expect): [Dim, Dim] {
  expect(x.dims.length >= 2, "operands of rank 2 or more");
  const [rows, columns] = x.dims.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

/** Of matrices, or of batches of them. */
export function matrixProduct(
  [a, b]: readonly ValueType[],
  { transposeA, transposeB }: OpAttributes["Gemm"],
  expect: Expect,
) {
  const [m, k] = matrixDims(a, transposeA, expect);
  const [k2, n] = matrixDims(b, transposeB, expect);
  const batch = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2));
  expect(a.dtype === b.dtype && isFloating(a.dtype), "floating operands of one dtype");
  expect(k === k2, `inner sizes to be equal, not ${k} and ${k2},`);
  expect(batch !== undefined, "batch axes that broadcast");
  return [{ dtype: a.dtype, dims: [...batch, m, n] }];
}

/** x (…, W), weight (W). */
export function rmsNorm([x, weight]: readonly ValueType[], _: unknown, expect: Expect) {
  const width = x.dims.at(-1);
  expect(isFloating(x.dtype) && weight.dtype === x.dtype, "floating operands of one dtype");
  expect(
    width !== undefined && equalDims(weight.dims, [width]),
    "a weight as long as the last axis",
  );
  return [
    { dtype: x.dtype, dims: x.dims },
    // The kernels compute in float32 at the least, and keep that.
    { dtype: isHalf(x.dtype) ? "float32" as Dtype : x.dtype, dims: [...x.dims.slice(0, -1), 1] },
  ];
}

/** x (S, T, H, D), cos and sin (T, D/2). */
export function rotary([x, cos, sin]: readonly ValueType[], _: unknown, expect: Expect) {
  const [, time, , width] = x.dims;
  expect(
    x.dims.length === 4 && typeof width === "number" && width % 2 === 0,
    "x (S, T, H, D) with an even D",
  );
  expect(
    equalDims(cos.dims, [time, width / 2]) && equalDims(sin.dims, cos.dims),
    "cos and sin of shape (T, D/2)",
  );
  expect(isFloating(x.dtype) && cos.dtype === x.dtype && sin.dtype === x.dtype, "one dtype");
  return [{ dtype: x.dtype, dims: x.dims }];
}

/** q (S, H, T, D), k and v (S, K, U, D), mask broadcasts to (S, H, T, U); K divides H. */
export function attention([q, k, v, mask]: readonly ValueType[], _: unknown, expect: Expect) {
  const [sequences, heads, time, width] = q.dims;
  const [, groups, past] = k.dims;
  expect(
    q.dims.length === 4 && typeof heads === "number" && typeof groups === "number",
    "q (S, H, T, D), k and v (S, K, U, D) with numbers of heads H and K",
  );
  expect(
    equalDims(k.dims, [sequences, groups, past, width]) && equalDims(v.dims, k.dims),
    "k and v of shape (S, K, U, D)",
  );
  expect(heads % groups === 0, "the number of key heads to divide that of query heads");
  const scores = [sequences, heads, time, past];
  const masked = broadcastDims(mask.dims, scores);
  expect(masked !== undefined && equalDims(masked, scores), "a mask that broadcasts to scores");
  expect(isFloating(q.dtype) && [k, v, mask].every((x) => x.dtype === q.dtype), "one dtype");
  return [{ dtype: q.dtype, dims: q.dims }, { dtype: q.dtype, dims: scores }];
}

/** Sources (R, W) each, as many indices (…) as there are targets, for each source an inverse (R, copies). */
export function route(
  inputs: readonly ValueType[],
  { sources: count, targets }: OpAttributes["Route"],
  expect: Expect,
) {
  const sources = expectRows(inputs.slice(0, count), expect);
  const indices = inputs.slice(count, count + targets);
  const inverses = inputs.slice(count + targets);
  for (const index of [...indices, ...inverses]) expectIndices(index, expect);
  expect(
    inverses.length === 0 || inverses.length === count &&
        inverses.every(({ dims }, i) => dims.length === 2 && dims[0] === sources[i].dims[0]),
    "an inverse (R, copies) for each source's rows, or none",
  );
  const [{ dtype, dims }] = sources;
  return indices.map((index) => ({ dtype, dims: [...index.dims, dims[1]] }));
}

/** Slots (L, W) in one tensor or several, inverse (R, copies). */
export function collectRows(inputs: readonly ValueType[], _: unknown, expect: Expect) {
  const [{ dtype, dims }] = expectRows(inputs.slice(0, -1), expect);
  const inverse = inputs.at(-1)!;
  expectIndices(inverse, expect);
  expect(inverse.dims.length === 2, "an inverse (R, copies) of the rows");
  return [{ dtype, dims: [inverse.dims[0], dims[1]] }];
}

function expectRows(tensors: readonly ValueType[], expect: Expect): readonly ValueType[] {
  expect(
    tensors.length > 0 &&
      tensors.every(({ dtype, dims }) =>
        dims.length === 2 && dims[1] === tensors[0].dims[1] && isFloating(dtype) &&
        dtype === tensors[0].dtype
      ),
    "floating rows (…, W) of one dtype",
  );
  return tensors;
}

/** a (…, m, k), b (…, n, k), c (…, m, 1). */
export function centredProduct([a, b, c]: readonly ValueType[], _: unknown, expect: Expect) {
  const [product] = matrixProduct([a, b], { transposeA: false, transposeB: true }, expect);
  expect(
    c.dtype === a.dtype && equalDims(c.dims, [...product.dims.slice(0, -1), 1]),
    "one number for each row of the product",
  );
  return [product];
}

/** Indices are int64. */
export function expectIndices(x: ValueType, expect: Expect): void {
  expect(x.dtype === "int64", "int64 indices");
}
