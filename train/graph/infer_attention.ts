import { broadcastDims, type Dim, equalDims, productDim, sumDim } from "./dims.ts";
import type { Expect } from "./infer_routing.ts";
import type { OpAttributes } from "./op_types.ts";
import { isFloating, type ValueType } from "./value.ts";

/** q (S, H, T, D), k and v (S, K, U, D), mask broadcasts to (S, H, T, U); K divides H. */
export function attention(inputs: readonly ValueType[], _: unknown, expect: Expect) {
  const [q, , , mask] = inputs;
  const scores = scoreDims(inputs, expect);
  const masked = broadcastDims(mask.dims, scores);
  expect(masked !== undefined && equalDims(masked, scores), "a mask that broadcasts to scores");
  expect(mask.dtype === q.dtype, "one dtype");
  return [{ dtype: q.dtype, dims: q.dims }, { dtype: q.dtype, dims: scores }];
}

/** As `attention`, but for orders of queries, (n, Q, 1) with n·Q = T, and of keys, (S or 1, 1, 1, U). */
export function blockAttention(inputs: readonly ValueType[], _: unknown, expect: Expect) {
  const [q, , , queryOrder, keyOrder] = inputs;
  const [sequences, , time, past] = scoreDims(inputs, expect);
  expect(
    queryOrder.dims.length === 3 && typeof queryOrder.dims[0] === "number" &&
      queryOrder.dims[2] === 1 && productDim(queryOrder.dims) === time,
    "an order of the queries (n, Q, 1) with a number n of blocks, n·Q = T",
  );
  expect(
    [[1, 1, 1, past], [sequences, 1, 1, past]].some((dims) => equalDims(dims, keyOrder.dims)),
    "an order of the keys (S, 1, 1, U) or (1, 1, 1, U)",
  );
  expect(
    isFloating(queryOrder.dtype) && queryOrder.dtype === keyOrder.dtype,
    "orders of one floating dtype",
  );
  return [{ dtype: q.dtype, dims: q.dims }];
}

/** As `attention`, but for what it gives, with a mask (S or 1, 1, T, U). */
export function fusedAttention(inputs: readonly ValueType[], _: unknown, expect: Expect) {
  const [q, , , mask] = inputs;
  const [sequences, , time, past] = scoreDims(inputs, expect);
  expect(
    [1, sequences].some((count) => equalDims(mask.dims, [count, 1, time, past])),
    "a mask (S, 1, T, U) or (1, 1, T, U)",
  );
  expect(mask.dtype === q.dtype, "one dtype");
  return [{ dtype: q.dtype, dims: q.dims }];
}

/** As `fusedAttention`, with blocks that are T queries together. */
export function recomputedAttention(
  inputs: readonly ValueType[],
  { blocks }: OpAttributes["RecomputedAttention"],
  expect: Expect,
) {
  const types = fusedAttention(inputs, null, expect);
  const time = inputs[0].dims[2];
  expect(sumDim(blocks) === time, `blocks of ${time} queries together, not ${sumDim(blocks)},`);
  return types;
}

/** The scores' shape (S, H, T, U). */
function scoreDims([q, k, v]: readonly ValueType[], expect: Expect): readonly Dim[] {
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
  expect(isFloating(q.dtype) && [k, v].every((x) => x.dtype === q.dtype), "one dtype");
  return [sequences, heads, time, past];
}
