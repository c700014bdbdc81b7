import type { Dtype } from "../../core/tensor.ts";
import { after, firstElement } from "./after.ts";
import { toGroups } from "./attention_layout.ts";
import type { Dim } from "./dims.ts";
import { add, cast, mul, relu, sub } from "./ops/elementwise.ts";
import { matmul } from "./ops/linear.ts";
import { reduceSum, softmax } from "./ops/reduce.ts";
import { concat, reshape, slice, split } from "./ops/shape.ts";
import { type AttentionOperands, type BlockAttentionOperands, MASKED } from "./ops/transformer.ts";
import type { Value } from "./value.ts";

/** Blocks of queries, and what hides keys from them. */
interface Blocks {
  /** Queries of each. */
  readonly sizes: readonly Dim[];
  /** Gives, for block i, what puts the scores (S, H, Q, U) of hidden keys below all others. */
  readonly hide: (i: number) => (scores: Value) => Value;
}

/** Blocks of queries that see the keys that are not behind them. Orders as `blockAttention` has them. */
export function orderBlocks(queryOrder: Value, keyOrder: Value, dtype: Dtype): Blocks {
  const [count, size] = queryOrder.dims;
  const all = Array.from({ length: Number(count) });
  return {
    sizes: all.map(() => size),
    hide: (i) => {
      const orders = split(mul(queryOrder, -MASKED), { axis: 0, sizes: all.map(() => 1) }); // (1, Q, 1)
      // 0 where a key is not behind the query, very large where it is: (S, 1, Q, U) or (1, 1, Q, U).
      const hidden = cast(relu(sub(mul(keyOrder, -MASKED), orders[i])), dtype);
      return (scores) => sub(scores, hidden);
    },
  };
}

/** Blocks of queries under a mask that is added, (S, 1, T, U) or (1, 1, T, U). */
export function maskBlocks(mask: Value, sizes: readonly Dim[]): Blocks {
  return {
    sizes,
    hide: (i) => (scores) => add(scores, split(mask, { axis: 2, sizes })[i]),
  };
}

/**
 * Attention a block of queries after the other, (S, H, T, D). Nothing but the result is read later, so
 * that scores and probabilities are there for one block at a time.
 */
export function attendInBlocks(operands: BlockAttentionOperands): Value {
  const { q, k, v, queryOrder, keyOrder } = operands;
  // Masks of all layers would be alike, and kept for the next one, were they not made of this one's.
  const blocks = orderBlocks(queryOrder, after(keyOrder, [firstElement(q)]), q.dtype);
  const mixed = inBlocks(q, blocks).map((block, i) => {
    const weights = probabilities(toGroups(block, k.dims[1]), i, { ...operands, blocks });
    return reshape(matmul(weights, v), block.dims); // (S, H, Q, D)
  });
  return concat(mixed, 2);
}

/** Cotangents of q, k and v. */
export interface Cotangents {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/** What attention gave, and the way back. */
interface Way {
  /** (S, H, T, D) */
  readonly out: Value;
  /** Its cotangent. */
  readonly dy: Value;
  /** The blocks to go back in. What they read that layers have in common may be made to wait for dy. */
  readonly blocksAfter: (after: (x: Value) => Value) => Blocks;
}

/**
 * The cotangents of attention in blocks, by the formulas of `attentionCotangents`. A block's probabilities
 * are computed a second time, once everything has been made of the block before.
 */
export function blockCotangents(
  { scale, ...operands }: Omit<AttentionOperands, "mask">,
  { out, dy, blocksAfter }: Way,
): Cotangents {
  const begun = [firstElement(dy)];
  const afterBegun = (x: Value) => after(x, begun);
  const [q, k, v] = [operands.q, operands.k, operands.v].map(afterBegun);
  const blocks = blocksAfter(afterBegun);
  const rows = reduceSum(mul(dy, out), { axes: [-1], keepDims: true }); // (S, H, T, 1)
  const [queriesOf, dys, sums] = [q, dy, rows].map((x) => inBlocks(x, blocks));
  const dq: Value[] = [];
  let made: readonly Value[] = []; // (S, K, …, D)
  for (const [i, block] of queriesOf.entries()) {
    const grouped = [block, dys[i], sums[i]].map((x) => toGroups(x, k.dims[1]));
    // Both products wait: whatever is not held back, ONNX Runtime computes of all blocks first.
    const [queries, dOut] = grouped.map((x) => afterAll(x, made));
    const weights = probabilities(queries, i, { q, k, scale, blocks });
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

/** x (S, H, T, …) in blocks (S, H, Q, …). */
function inBlocks(x: Value, { sizes }: Blocks): readonly Value[] {
  return split(x, { axis: 2, sizes });
}

/**
 * What a block's queries read of each key, (S, K, H/K·Q, U). All blocks read all keys, those too that
 * none of their queries may see: ONNX Runtime takes memory again for tensors of one shape, and keeps it
 * for each other shape.
 *
 * @param queries of block i, (S, K, H/K·Q, D)
 */
function probabilities(
  queries: Value,
  i: number,
  { q, k, scale, blocks }: Pick<AttentionOperands, "q" | "k" | "scale"> & {
    readonly blocks: Blocks;
  },
): Value {
  const products = matmul(queries, k, { transposeB: true, scale }); // (S, K, H/K·Q, U)
  const hide = blocks.hide(i);
  const scores = reshape(products, [q.dims[0], q.dims[1], blocks.sizes[i], k.dims[2]]); // (S, H, Q, U)
  return reshape(softmax(hide(scores)), products.dims);
}
