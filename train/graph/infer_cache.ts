import { equalDims } from "./dims.ts";
import type { Expect } from "./infer_routing.ts";
import type { OpAttributes } from "./op_types.ts";
import { isFloating, type ValueType } from "./value.ts";

/** Sizes of a head that the kernel takes are multiples of it: half of one turns eight at a time. */
export const CACHED_HEAD_MULTIPLE = 16;

/**
 * Types out of attention over a cache: q (B, T, H·C), k and v (B, T, K·C), caches (B, K, U, C), last (B)
 * and longest () int32, cos and sin (P, C/2).
 */
export function cachedAttention(
  [q, k, v, keys, values, last, longest, cos, sin]: readonly ValueType[],
  { heads, keyValueHeads }: OpAttributes["CachedAttention"],
  expect: Expect,
) {
  const [rows, time, width] = q.dims;
  const size = Number(width) / heads;
  expect(
    q.dims.length === 3 && size % CACHED_HEAD_MULTIPLE === 0,
    `q (B, T, H·C) with a C that is a multiple of ${CACHED_HEAD_MULTIPLE}`,
  );
  expect(
    equalDims(k.dims, [rows, time, keyValueHeads * size]) && equalDims(v.dims, k.dims),
    "k and v of shape (B, T, K·C)",
  );
  expect(
    keys.dims.length === 4 && equalDims(keys.dims, [rows, keyValueHeads, keys.dims[2], size]) &&
      equalDims(values.dims, keys.dims),
    "caches of shape (B, K, U, C)",
  );
  expect(
    last.dtype === "int32" && longest.dtype === "int32" && equalDims(last.dims, [rows]) &&
      longest.dims.length === 0,
    "last (B) and longest () as int32",
  );
  expect(
    equalDims(cos.dims, [cos.dims[0], size / 2]) && equalDims(sin.dims, cos.dims),
    "cos and sin of shape (P, C/2)",
  );
  expect(
    isFloating(q.dtype) && [k, v, keys, values, cos, sin].every((x) => x.dtype === q.dtype),
    "one dtype",
  );
  const cache = { dtype: q.dtype, dims: keys.dims };
  return [{ dtype: q.dtype, dims: q.dims }, cache, cache];
}
