import { after, firstElement } from "./after.ts";
import { toGroups } from "./attention_layout.ts";
import { differenceDim, type Dim, productDim } from "./dims.ts";
import { add, greater, mul, where } from "./ops/elementwise.ts";
import { matmul } from "./ops/linear.ts";
import { reduceSum, softmax } from "./ops/reduce.ts";
import { concat, reshape, slice, split } from "./ops/shape.ts";
import { type BlockAttentionOperands, MASKED } from "./ops/transformer.ts";
import type { Value } from "./value.ts";

/** A block of queries with the keys that it may see; query heads in the groups that share a key head. */
interface Block {
  /** (S, K, H/K·Q, D) */
  readonly q: Value;
  /** The keys and values up to the last that any query of the block may see, (S, K, U', D). */
  readonly k: Value;
  readonly v: Value;
  /** (S, K, H/K·Q, U') */
  readonly probabilities: Value;
}

/**
 * Attention a block of queries after the other, (S, H, T, D). Nothing but the result is read later, so
 * that scores and probabilities are there for one block at a time.
 */
export function attendInBlocks(operands: BlockAttentionOperands): Value {
  const { q, queryOrder } = operands;
  // Masks of all layers would be alike, and kept for the next one, were they not made of this one's.
  const waiting = { ...operands, keyOrder: after(operands.keyOrder, [firstElement(q)]) };
  const blocks = alongTime(q, queryOrder).map((part, i) => {
    const { probabilities, v } = blockAt(i, part, waiting);
    return reshape(matmul(probabilities, v), part.dims);
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
 * are computed a second time, once everything has been made of the block before: the last one, since it
 * sees all keys.
 *
 * @param out what attention gave, (S, H, T, D)
 * @param dy its cotangent
 */
export function blockCotangents(
  { scale, queryOrder, ...operands }: BlockAttentionOperands,
  { out, dy }: { readonly out: Value; readonly dy: Value },
): Cotangents {
  const begun = [firstElement(dy)];
  const [q, k, v] = [operands.q, operands.k, operands.v].map((x) => after(x, begun));
  const waiting = { q, k, v, scale, queryOrder, keyOrder: after(operands.keyOrder, begun) };
  const rows = reduceSum(mul(dy, out), { axes: [-1], keepDims: true }); // (S, H, T, 1)
  const [queries, dys, sums] = [q, dy, rows].map((x) => alongTime(x, queryOrder));
  const dq: Value[] = [];
  let [dk, dv]: [KeySums, KeySums] = [NONE, NONE];
  for (let i = queries.length - 1; i >= 0; i--) {
    const made = dq.length === 0 ? [] : [dq[0], dk.seen!, dv.seen!].map(firstElement);
    const block = blockAt(i, after(queries[i], made), waiting);
    const [dOut, centre] = [dys[i], sums[i]].map((x) => toGroups(x, k.dims[1]));
    const [centred] = q.graph.emit("CentredProduct", [dOut, block.v, centre], {});
    const dScores = mul(block.probabilities, centred); // (S, K, H/K·Q, U')
    dq.unshift(reshape(matmul(dScores, block.k, { scale }), queries[i].dims));
    dk = addKeys(dk, matmul(dScores, block.q, { transposeA: true, scale }));
    dv = addKeys(dv, matmul(block.probabilities, dOut, { transposeA: true }));
  }
  return { q: concat(dq, 2), k: allKeys(dk), v: allKeys(dv) };
}

/** What blocks gave of the cotangent of keys, from the last block on. */
interface KeySums {
  /** Of keys that the next block may see too, (S, K, U', D); null before the first. */
  readonly seen: Value | null;
  /** Of those behind them, in their order. */
  readonly done: readonly Value[];
}

const NONE: KeySums = { seen: null, done: [] };

/** The sums with what another block gave, which sees as many keys or fewer. */
function addKeys({ seen, done }: KeySums, part: Value): KeySums {
  if (seen === null) return { seen: part, done };
  const [end, all] = [part.dims[2], seen.dims[2]];
  const shared = slice(seen, { axis: 2, start: 0, end });
  return {
    seen: add(shared, part),
    done: [slice(seen, { axis: 2, start: end, end: all }), ...done],
  };
}

function allKeys({ seen, done }: KeySums): Value {
  return concat([seen!, ...done], 2);
}

/** x (S, H, n·Q, …) in blocks (S, H, Q, …). */
function alongTime(x: Value, { dims: [count, size] }: Value): readonly Value[] {
  return split(x, { axis: 2, sizes: Array.from({ length: Number(count) }, () => size) });
}

/** @param part the block's queries, (S, H, Q, D) */
function blockAt(i: number, part: Value, operands: BlockAttentionOperands): Block {
  const { scale, queryOrder, keyOrder } = operands;
  const [count, size] = queryOrder.dims;
  const all = keyOrder.dims[1];
  const end = differenceDim(all, productDim([Number(count) - 1 - i, size]));
  const seen = (x: Value, axis: number) => end === all ? x : slice(x, { axis, start: 0, end });
  const [q, k, v] = [toGroups(part, operands.k.dims[1]), seen(operands.k, 2), seen(operands.v, 2)];
  const [sequences, heads] = part.dims;
  const products = matmul(q, k, { transposeB: true, scale }); // (S, K, H/K·Q, U')
  const mask = blockMask(blockOrder(queryOrder, i), seen(keyOrder, 1), part);
  const scores = add(reshape(products, [sequences, heads, size, end]), mask); // (S, H, Q, U')
  return { q, k, v, probabilities: reshape(softmax(scores), products.dims) };
}

/** The order of a block's queries, (Q). */
function blockOrder(queryOrder: Value, i: number): Value {
  const [, size] = queryOrder.dims;
  return reshape(slice(queryOrder, { axis: 0, start: i, end: i + 1 }), [size]);
}

/** What is added to a block's scores, (S, 1, Q, U') or (1, 1, Q, U'), of the queries' type. */
function blockMask(queryOrder: Value, keyOrder: Value, { graph, dtype }: Value): Value {
  const [rows, keys]: readonly Dim[] = keyOrder.dims;
  const hidden = greater(
    reshape(keyOrder, [rows, 1, 1, keys]),
    reshape(queryOrder, [queryOrder.dims[0], 1]),
  );
  return where(hidden, graph.scalar(MASKED, dtype), graph.scalar(0, dtype));
}
