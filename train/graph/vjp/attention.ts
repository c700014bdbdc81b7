import { mul } from "../ops/elementwise.ts";
import { matmul } from "../ops/linear.ts";
import { reduceSum } from "../ops/reduce.ts";
import { reshape } from "../ops/shape.ts";
import { blockCotangents } from "../block_attention.ts";
import { toGroups } from "../attention_layout.ts";
import type { Node, Value } from "../value.ts";

/**
 * Cotangents of q, k and v, with P the probabilities: dv = Pᵀ·do, dP = do·vᵀ,
 * dS = P ∘ (dP − rowsum(do ∘ o)), dq = scale·dS·k, dk = scale·dSᵀ·q. (Dao et al., 2022, appendix B)
 */
export function attentionCotangents(
  { inputs: [q, k, v], outputs: [out, probabilities], attributes: { scale } }: Node<"Attention">,
  [dy]: readonly (Value | undefined)[],
): readonly ((() => Value) | undefined)[] {
  const [, groups, past] = k.dims;
  const dOut = () => toGroups(dy!, groups); // (S, K, H/K·T, D)
  const weights = () => reshape(probabilities, [...dOut().dims.slice(0, 3), past]);
  const dScores = () => {
    const rows = reduceSum(mul(dOut(), toGroups(out, groups)), { axes: [-1], keepDims: true });
    const [centred] = v.graph.emit("CentredProduct", [dOut(), v, rows], {});
    return mul(weights(), centred); // (S, K, H/K·T, U)
  };
  return [
    () => reshape(matmul(dScores(), k, { scale }), q.dims),
    () => matmul(dScores(), toGroups(q, groups), { transposeA: true, scale }),
    () => matmul(weights(), dOut(), { transposeA: true }),
    undefined, // masks are constants
  ];
}

/** All three are made together, a block after the other, whichever of them is needed. */
export function blockAttentionCotangents(
  { inputs: [q, k, v, queryOrder, keyOrder], outputs: [out], attributes }: Node<"BlockAttention">,
  [dy]: readonly (Value | undefined)[],
): readonly ((() => Value) | undefined)[] {
  const operands = { q, k, v, queryOrder, keyOrder, ...attributes };
  let found: ReturnType<typeof blockCotangents> | undefined;
  const cotangents = () => found ??= blockCotangents(operands, { out, dy: dy! });
  // Orders are constants, as masks are.
  return [
    () => cotangents().q,
    () => cotangents().k,
    () => cotangents().v,
    undefined,
    undefined,
  ];
}
