import { after } from "../graph/after.ts";
import { add, and, cast, concat, exp, gatherElements, gemm, greaterOrEqual } from "../graph/ops.ts";
import { less, mul, neg, reshape, scatterElementsAdd, slice, sub } from "../graph/ops.ts";
import { tokenLogp, where } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";

/** Some rows of the output projection, (w, D): logits of the entries `start` … `end` of the vocabulary. */
export interface HeadRows {
  readonly name: string;
  readonly weight: Value;
  readonly start: number;
  /** Excluded. */
  readonly end: number;
}

/** Log-probs of tokens, whose logits were there a chunk at a time. */
export interface ChunkedLogps {
  /** What the output projection read, (M, D). */
  readonly hidden: Value;
  /** (M) int64. */
  readonly targets: Value;
  readonly chunks: readonly HeadRows[];
  /** log π of the targets, (M), in the graph's type. */
  readonly logps: Value;
  /** log Σ exp(logits), (M, 1). */
  readonly logSumExp: Value;
}

/**
 * log softmax(hidden · Wᵀ) at each row's target, without all logits at once. The softmax is one over
 * chunks times one within the chunk that the target is in:
 *
 *     log π = (x − z_c) + (z_c − log Σ_k exp z_k),   z_k = log Σ exp(logits of chunk k)
 *
 * Gradients do not pass through it: they are `chunkedCotangents`.
 *
 * @param chunks all rows of W in their order
 */
export function chunkedLogps(
  { hidden, targets, chunks }: Pick<ChunkedLogps, "hidden" | "targets" | "chunks">,
): ChunkedLogps {
  const rows = targets.dims[0];
  const zeros = hidden.graph.scalar(0);
  const sums: Value[] = [];
  let within = zeros; // (M)
  for (const chunk of chunks) {
    const logits = logitsOf(hidden, chunk); // (M, w)
    const { isInside, index } = placeIn(chunk, targets);
    const logp = tokenLogp(logits, index); // (M)
    const x = reshape(gatherElements(logits, reshape(index, [rows, 1]), 1), [rows]);
    sums.push(reshape(sub(x, logp), [rows, 1]));
    within = where(isInside, logp, within);
  }
  const all = concat(sums, 1); // (M, K)
  const own = chunkOf(targets, chunks); // (M)
  const across = tokenLogp(all, own);
  const ownSum = gatherElements(all, reshape(own, [rows, 1]), 1); // (M, 1)
  return {
    hidden,
    targets,
    chunks,
    logps: add(within, across),
    logSumExp: sub(ownSum, reshape(across, [rows, 1])),
  };
}

/**
 * The cotangent of what the output projection read, (M, D), from that of the log-probs, with
 * d logits = dy · (one-hot(target) − softmax(logits)). A chunk's logits are computed a second time, once
 * everything has been made of the chunk before: the graph says so by a sum with nothing of that.
 *
 * @param dy cotangent of the log-probs, (M)
 * @param gather adds a chunk's gradient, (w, D) in the graph's type, to what has been gathered of it; gives
 *   that sum. Absent where the projection is not trained.
 */
export function chunkedCotangents(
  { hidden, targets, chunks, logSumExp }: ChunkedLogps,
  dy: Value,
  gather?: (chunk: HeadRows, gradient: Value) => Value,
): Value {
  const { graph } = hidden;
  const each = reshape(dy, [dy.dims[0], 1]); // (M, 1)
  let made: Value[] = [each];
  let sum: Value | null = null; // (M, D)
  for (const chunk of chunks) {
    const p = exp(sub(logitsOf(after(hidden, made), chunk), logSumExp)); // (M, w)
    const { isInside, index } = placeIn(chunk, targets);
    const cotangent = scatterElementsAdd(mul(p, neg(each)), {
      indices: reshape(index, each.dims),
      updates: reshape(where(isInside, dy, 0), each.dims),
      axis: 1,
    });
    const narrow = cast(cotangent, hidden.dtype);
    const part = cast(gemm(narrow, chunk.weight), graph.dtype);
    sum = sum === null ? part : add(sum, part);
    const gradient = () => cast(gemm(narrow, hidden, { transposeA: true }), graph.dtype);
    made = [sum, ...gather ? [gather(chunk, gradient())] : []]
      .map((x) => slice(x, { axis: 0, start: 0, end: 1 })); // (1, D)
  }
  return after(cast(sum!, hidden.dtype), made);
}

/** Logits of a chunk's entries, (M, w), in the graph's type. */
function logitsOf(hidden: Value, { weight }: HeadRows): Value {
  return cast(gemm(hidden, weight, { transposeB: true }), hidden.graph.dtype);
}

/** Whether each target is an entry of the chunk, and which; the first one where it is none. */
function placeIn({ start, end }: HeadRows, targets: Value) {
  const number = (x: number) => targets.graph.scalar(x, "int64");
  const isBefore = less(targets, number(end));
  // Nothing is taken off for the first chunk: optimizers leave that out.
  const [isInside, place] = start === 0
    ? [isBefore, targets]
    : [and(greaterOrEqual(targets, number(start)), isBefore), sub(targets, number(start))];
  return { isInside, index: where(isInside, place, number(0)) };
}

/** The chunk that each target is in, (M) int64. */
function chunkOf(targets: Value, chunks: readonly HeadRows[]): Value {
  const isPast = ({ start }: HeadRows) =>
    cast(greaterOrEqual(targets, targets.graph.scalar(start, "int64")), "int64");
  return chunks.slice(1).map(isPast).reduce((sum, past) => add(sum, past));
}
