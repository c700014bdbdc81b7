import { mul } from "../ops/elementwise.ts";
import { matmul } from "../ops/linear.ts";
import { reduceSum } from "../ops/reduce.ts";
import { reshape } from "../ops/shape.ts";
import { blockCotangents, type Cotangents, maskBlocks, orderBlocks } from "../block_attention.ts";
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
  // Orders are constants, as masks are.
  const blocksAfter = (after: (x: Value) => Value) =>
    orderBlocks(queryOrder, after(keyOrder), q.dtype);
  return [
    ...eachOnce(() => blockCotangents({ q, k, v, ...attributes }, { out, dy: dy!, blocksAfter })),
    undefined,
    undefined,
  ];
}

/** As `blockAttentionCotangents`. */
export function recomputedAttentionCotangents(
  { inputs: [q, k, v, mask], outputs: [out], attributes }: Node<"RecomputedAttention">,
  [dy]: readonly (Value | undefined)[],
): readonly ((() => Value) | undefined)[] {
  const { scale, blocks } = attributes;
  const blocksAfter = () => maskBlocks(mask, blocks);
  return [
    ...eachOnce(() => blockCotangents({ q, k, v, scale }, { out, dy: dy!, blocksAfter })),
    undefined,
  ];
}

/** Those of q, k and v, all made when the first one is asked for. */
function eachOnce(make: () => Cotangents): readonly (() => Value)[] {
  let found: Cotangents | undefined;
  const cotangents = () => found ??= make();
  return [() => cotangents().q, () => cotangents().k, () => cotangents().v];
}
