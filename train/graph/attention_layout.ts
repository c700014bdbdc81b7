import { type Dim, productDim } from "./dims.ts";
import { reshape, transpose } from "./ops/shape.ts";
import type { Value } from "./value.ts";

/** Swaps time and heads: (S, T, H, D) ↔ (S, H, T, D). */
export function toHeads(x: Value): Value {
  return transpose(x, [0, 2, 1, 3]);
}

/**
 * Query heads that share a key head, below one another: (S, T, H, D) → (S, K, H/K·T, D), so that
 * keys and values are never repeated.
 */
export function toGroups(x: Value, groups: Dim): Value {
  const [sequences, time, heads, width] = x.dims;
  const shared = Number(heads) / Number(groups);
  return reshape(toHeads(x), [sequences, groups, productDim([shared, time]), width]);
}

/** Back from `toGroups()`: (S, K, H/K·T, D) → (S, T, H, D). */
export function fromGroups(
  x: Value,
  { sequences, heads, time }: { sequences: Dim; heads: Dim; time: Dim },
): Value {
  return toHeads(reshape(x, [sequences, heads, time, x.dims[3]]));
}
