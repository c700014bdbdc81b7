import type { Dtype } from "../../core/tensor.ts";
import { productDim } from "../graph/dims.ts";
import type { Graph } from "../graph/graph.ts";
import {
  add,
  and,
  attention,
  cast,
  concat,
  embedding,
  greaterOrEqual,
  lessOrEqual,
  MASKED,
  max,
  min,
  mul,
  reshape,
  split,
  sub,
  transpose,
  where,
} from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { ModelConfig } from "./config.ts";

/** Which tokens belong where in the caches of B rows, T new ones each; the caches have U positions. */
export interface RowPlaces {
  /** Cosines and sines of the new tokens' angles, (B, 1, T, C/2), float32. */
  readonly cos: Value;
  readonly sin: Value;
  /** Added to scores, (B, 1, T, U): very low where a position is not to be seen. */
  readonly mask: Value;
  /** Whether a position is a new token's, (B, 1, U, 1) bool. */
  readonly isNew: Value;
  /** For each position the row of flattened keys (B·K·T, C) that belongs there, if it is a new one's; (B, K, U). */
  readonly sources: Value;
}

/**
 * Declares what says where new tokens belong, all int64: `first` (B), the position of each row's first one;
 * `steps` (T) 0 … T − 1; `slots` (U) 0 … U − 1; `starts` (B, K), T · (b·K + k); and `cos` and `sin` (P, C/2).
 *
 * @param dtype that scores are computed in
 */
export function rowPlaces(graph: Graph, config: ModelConfig, dtype: Dtype): RowPlaces {
  const { headDim, keyValueHeads } = config;
  const first = reshape(graph.input("first", "int64", ["B"]), ["B", 1]);
  const steps = graph.input("steps", "int64", ["T"]);
  const slots = reshape(graph.input("slots", "int64", ["U"]), [1, "U"]);
  const starts = graph.input("starts", "int64", ["B", keyValueHeads]);
  const positions = add(first, reshape(steps, [1, "T"])); // (B, T)
  const anglesOf = (name: string) => {
    const table = graph.input(name, graph.dtype, ["P", headDim / 2]);
    return reshape(embedding(table, positions), ["B", 1, "T", headDim / 2]);
  };
  // The last of them; CUDA's maxima would want cuDNN.
  const end = embedding(steps, graph.scalar(-1, "int64")); // ()
  const step = sub(slots, first); // (B, U)
  const nearest = min(max(step, 0), end);
  const sees = lessOrEqual(reshape(slots, [1, 1, "U"]), reshape(positions, ["B", "T", 1]));
  const mask = where(sees, graph.scalar(0), graph.scalar(MASKED)); // (B, T, U)
  const isNew = and(greaterOrEqual(step, 0), lessOrEqual(step, end));
  return {
    cos: anglesOf("cos"),
    sin: anglesOf("sin"),
    mask: cast(reshape(mask, ["B", 1, "T", "U"]), dtype),
    isNew: reshape(isNew, ["B", 1, "U", 1]),
    sources: add(
      reshape(starts, ["B", keyValueHeads, 1]),
      reshape(nearest, ["B", 1, "U"]),
    ),
  };
}

/** New queries (B, T, H·C), keys and values (B, T, K·C), not yet turned, and a layer's caches (B, K, U, C). */
export interface PlainAttentionOperands {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly keys: Value;
  readonly values: Value;
  readonly places: RowPlaces;
  readonly heads: number;
  readonly keyValueHeads: number;
  /** Multiplies q · kᵀ. */
  readonly scale: number;
}

/**
 * What `cachedAttention` computes, of ops that every device has, in any floating type. A cache is put out
 * element by element: old values where nothing new belongs.
 */
export function plainCachedAttention(
  { q, k, v, keys, values, places, heads, keyValueHeads, scale }: PlainAttentionOperands,
): { readonly mixed: Value; readonly keys: Value; readonly values: Value } {
  const headsFirst = (x: Value, count: number) => {
    const [rows, time, width] = x.dims;
    return transpose(reshape(x, [rows, time, count, Number(width) / count]), [0, 2, 1, 3]);
  };
  const kept = (cache: Value, added: Value) => {
    const width = cache.dims[3];
    const flat = reshape(added, [productDim(added.dims.slice(0, 3)), width]);
    return where(places.isNew, embedding(flat, places.sources), cache); // (B, K, U, C)
  };
  const next = {
    keys: kept(keys, turned(headsFirst(k, keyValueHeads), places)),
    values: kept(values, headsFirst(v, keyValueHeads)),
  };
  const seen = attention({
    q: turned(headsFirst(q, heads), places),
    k: next.keys,
    v: next.values,
    mask: places.mask,
    scale,
  }); // (B, H, T, C)
  return { mixed: reshape(transpose(seen, [0, 2, 1, 3]), q.dims), ...next };
}

/** Rotary embedding in the half-split layout of x (B, N, T, C), in float32. */
function turned(x: Value, { cos, sin }: RowPlaces): Value {
  const half = Number(x.dims[3]) / 2;
  const [a, b] = split(cast(x, cos.dtype), { axis: -1, sizes: [half, half] });
  const parts = [sub(mul(a, cos), mul(b, sin)), add(mul(b, cos), mul(a, sin))];
  return cast(concat(parts, -1), x.dtype);
}
