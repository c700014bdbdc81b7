import { type Dim, productDim, sumDim } from "./dims.ts";
import type { Graph } from "./graph.ts";
import { and, cast, greaterOrEqual, less, sub, where } from "./ops/elementwise.ts";
import { embedding } from "./ops/index.ts";
import { reduceSum } from "./ops/reduce.ts";
import { concat, full, reshape, split, transpose } from "./ops/shape.ts";
import type { Target } from "./target.ts";
import type { Value } from "./value.ts";

/** How rows are moved on a target: what `Route` and `CollectRows` become. */
interface Routes {
  /** Rows of the sources, counted one after the other, at each index: (…, W). */
  readonly route: (sources: readonly Value[], indices: readonly Value[]) => readonly Value[];
  /** The sum of the slots that each row fills: (R, W). A slot past the last one is zero. */
  readonly collect: (slots: readonly Value[], inverse: Value) => Value;
}

/** On the CPU one large copy is faster than several: tensors are joined, and parted again. */
const joined: Routes = {
  route: (sources, indices) => {
    const rows = concat(sources, 0);
    if (indices.length === 1) return [embedding(rows, indices[0])];
    const slots = embedding(rows, concat(indices.map((index) => flat(index)), 0));
    const parts = split(slots, { axis: 0, sizes: indices.map(({ dims }) => productDim(dims)) });
    return parts.map((part, i) => reshape(part, [...indices[i].dims, rows.dims[1]]));
  },
  collect: (parts, inverse) => {
    const [rows, copies] = inverse.dims;
    const slots = concat(parts, 0);
    if (copies === 1) return embedding(slots, reshape(inverse, [rows]));
    const zeros = full(slots.graph, [1, slots.dims[1]], { value: 0, dtype: slots.dtype });
    return reduceSum(embedding(concat([slots, zeros], 0), inverse), { axes: [1] });
  },
};

/**
 * On a GPU: to join or part tensors of unequal sizes, ONNX Runtime's CUDA provider makes a table with
 * an entry for each row on the processor, and copies it. So each tensor is read by itself, and what
 * belongs to another left out. It adds up over leading axes by a kernel of its own, over axes between
 * others not.
 */
const apart: Routes = {
  route: (sources, indices) =>
    indices.map((index) => gatherFrom(sources, index, { mayMiss: false })),
  collect: (slots, inverse) => {
    const [rows, copies] = inverse.dims;
    if (copies === 1) return gatherFrom(slots, reshape(inverse, [rows]), { mayMiss: false });
    const found = gatherFrom(slots, transpose(inverse, [1, 0]), { mayMiss: true });
    return reduceSum(found, { axes: [0] });
  },
};

/** What rows are moved by on each target. */
export const ROUTES: { readonly [T in Target]: Routes } = { cpu: joined, cuda: apart };

/**
 * Rows of several tensors, counted one after the other.
 *
 * @param mayMiss whether the index may name one past the last, which is zeros
 */
function gatherFrom(
  sources: readonly Value[],
  index: Value,
  { mayMiss }: { readonly mayMiss: boolean },
): Value {
  if (sources.length === 1 && !mayMiss) return embedding(sources[0], index);
  const ends = sources.map((_, i) => sumDim(sources.slice(0, i + 1).map(({ dims }) => dims[0])));
  const isBefore = ends.map((end) => less(index, onDevice(index.graph, end)));
  const rows = sources.map((source, i) => {
    const start = i === 0 ? null : onDevice(index.graph, ends[i - 1]);
    const isLast = i === sources.length - 1 && !mayMiss;
    const local = start === null ? index : sub(index, start);
    const conditions = [
      ...(start === null ? [] : [greaterOrEqual(index, start)]),
      ...(isLast ? [] : [isBefore[i]]),
    ];
    // Elsewhere any row will do.
    return embedding(source, where(conditions.reduce(and), local, zero(index)));
  });
  const chosen = (i: number, otherwise: Value | number) =>
    where(reshape(isBefore[i], [...index.dims, 1]), rows[i], otherwise);
  const last = sources.length - 1;
  let result = mayMiss ? chosen(last, 0) : rows[last];
  for (let i = last - 1; i >= 0; i--) result = chosen(i, result);
  return result;
}

/**
 * A size below 2²⁴ as a GPU has it: one that the processor works out would have to be copied. The
 * provider sums up float32 by kernels of its own, integers not.
 */
function onDevice(graph: Graph, size: Dim): Value {
  if (typeof size === "number") return graph.scalar(size, "int64");
  return cast(reduceSum(full(graph, [size], { value: 1, dtype: "float32" })), "int64");
}

function zero({ graph }: Value): Value {
  return graph.scalar(0, "int64");
}

function flat(x: Value): Value {
  return reshape(x, [productDim(x.dims)]);
}
