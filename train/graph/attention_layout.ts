import { type Dim, productDim } from "./dims.ts";
import { reshape } from "./ops/shape.ts";
import type { Value } from "./value.ts";

/**
 * Query heads that share a key head, below one another: (S, H, T, D) → (S, K, H/K·T, D), so that
 * keys and values are never repeated. Nothing moves: heads of a group are neighbours.
 */
export function toGroups(x: Value, groups: Dim): Value {
  const [sequences, heads, time, width] = x.dims;
  const shared = Number(heads) / Number(groups);
  return reshape(x, [sequences, groups, productDim([shared, time]), width]);
}
