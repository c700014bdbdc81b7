import { after, firstElement } from "./after.ts";
import { toGroups } from "./attention_layout.ts";
import { add, cast, mul, relu, sub } from "./ops/elementwise.ts";
import { matmul } from "./ops/linear.ts";
import { reduceSum, softmax } from "./ops/reduce.ts";
import { concat, reshape, slice, split } from "./ops/shape.ts";
import { type BlockAttentionOperands, MASKED } from "./ops/transformer.ts";
import type { Value } from "./value.ts";

/**
 * Attention a block of queries after the other, (S, H, T, D). Nothing but the result is read later, so
 * that scores and probabilities are there for one block at a time.
 */
export function attendInBlocks(operands: BlockAttentionOperands): Value {
  const { q, k, v, queryOrder } = operands;
  // Masks of all layers would be alike, and kept for the next one, were they not made of this one's.
  const waiting = { ...operands, keyOrder: after(operands.keyOrder, [firstElement(q)]) };
  const blocks = inBlocks(q, queryOrder).map((block, i) => {
    const weights = probabilities(toGroups(block, k.dims[1]), i, waiting);
    return reshape(matmul(weights, v), block.dims); // (S, H, Q, D)
  });
  return concat(blocks, 2);
}

/** Cotangents of q, k and v. */
interface Cotangents {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/**
 * The cotangents of attention in blocks, by the formulas of `attentionCotangents`. A block's probabilities
 * are computed a second time, once everything has been made of the block before.
 *
 * @param out what attention gave, (S, H, T, D)
 * @param dy its cotangent
 */
export function blockCotangents(
  { scale, queryOrder, ...operands }: BlockAttentionOperands,
  { out, dy }: { readonly out: Value; readonly dy: Value },
): Cotangents {
  const begun = [firstElement(dy)];
  const [q, k, v, keyOrder] = [operands.q, operands.k, operands.v, operands.keyOrder]
    .map((x) => after(x, begun));
  const rows = reduceSum(mul(dy, out), { axes: [-1], keepDims: true }); // (S, H, T, 1)
  const [blocks, dys, sums] = [q, dy, rows].map((x) => inBlocks(x, queryOrder));
  const dq: Value[] = [];
  let made: readonly Value[] = []; // (S, K, …, D)
  for (const [i, block] of blocks.entries()) {
    const grouped = [block, dys[i], sums[i]].map((x) => toGroups(x, k.dims[1]));
    // Both products wait: whatever is not held back, ONNX Runtime computes of all blocks first.
    const [queries, dOut] = grouped.map((x) => afterAll(x, made));
    const weights = probabilities(queries, i, { q, k, v, scale, queryOrder, keyOrder });
    const [centred] = q.graph.emit("CentredProduct", [dOut, v, grouped[2]], {});
    const dScores = mul(weights, centred); // (S, K, H/K·Q, U)
    const [, dk, dv] = made;
    made = [
      matmul(dScores, k, { scale }), // (S, K, H/K·Q, D)
      addTo(dk, matmul(dScores, queries, { transposeA: true, scale })), // (S, K, U, D)
      addTo(dv, matmul(weights, dOut, { transposeA: true })), // (S, K, U, D)
    ];
    dq.push(reshape(made[0], block.dims));
  }
  return { q: concat(dq, 2), k: made[1], v: made[2] };
}

function addTo(sum: Value | undefined, part: Value): Value {
  return sum === undefined ? part : add(sum, part);
}

/** Rows (S, K, R, D), once all is there of tensors (S, K, …, D). */
function afterAll(rows: Value, made: readonly Value[]): Value {
  if (made.length === 0) return rows;
  const firsts = made.map((x) => slice(x, { axis: 2, start: 0, end: 1 })); // (S, K, 1, D)
  return after(rows, [firsts.reduce((sum, x) => add(sum, x))]);
}

/** x (S, H, n·Q, …) in blocks (S, H, Q, …). */
function inBlocks(x: Value, { dims: [count, size] }: Value): readonly Value[] {
  return split(x, { axis: 2, sizes: Array.from({ length: Number(count) }, () => size) });
}

/**
 * What a block's queries read of each key, (S, K, H/K·Q, U). All blocks read all keys, those too that
 * none of their queries may see: ONNX Runtime takes memory again for tensors of one shape, and keeps it
 * for each other shape.
 *
 * @param queries of block i, (S, K, H/K·Q, D)
 */
function probabilities(queries: Value, i: number, operands: BlockAttentionOperands): Value {
  const { q, k, scale, queryOrder, keyOrder } = operands;
  const [count, size] = queryOrder.dims;
  const products = matmul(queries, k, { transposeB: true, scale }); // (S, K, H/K·Q, U)
  const orders = split(mul(queryOrder, -MASKED), {
    axis: 0,
    sizes: new Array<number>(Number(count)).fill(1),
  }); // (1, Q, 1)
  // 0 where a key is not behind the query, very large where it is: (S, 1, Q, U) or (1, 1, Q, U).
  const hidden = cast(relu(sub(mul(keyOrder, -MASKED), orders[i])), q.dtype);
  const scores = reshape(products, [q.dims[0], q.dims[1], size, k.dims[2]]); // (S, H, Q, U)
  return reshape(softmax(sub(scores, hidden)), products.dims);
}
