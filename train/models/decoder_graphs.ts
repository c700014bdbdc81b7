import { productDim } from "../graph/dims.ts";
import { Graph } from "../graph/graph.ts";
import {
  causalMask,
  concat,
  embedding,
  gemm,
  linear,
  matmul,
  reshape,
  softmax,
  transpose,
} from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { ModelConfig } from "./config.ts";
import { Transformer, weightInputs } from "./transformer.ts";

/** Names of one layer's keys and values: as inputs, and behind `next/` as outputs. */
export function cacheNames(config: ModelConfig): string[] {
  return Array.from({ length: config.layers }, (_, layer) => [`keys/${layer}`, `values/${layer}`])
    .flat();
}

/** The output that holds a cache after the run. */
export function nextCacheName(name: string): string {
  return `next/${name}`;
}

/**
 * Reads whole prompts: ids (B, T), angles (T, C/2), `last` (B) the rows of the flattened (B·T) whose
 * logits (B, V) are wanted. Outputs each layer's keys and values, (B, K, T, C).
 */
export function prefillGraph(config: ModelConfig): Graph {
  const { graph, transformer, angles } = start(config, "T");
  const mask = transformer.computed(causalMask(graph, "T")); // (T, T)
  const last = graph.input("last", "int64", ["B"]);
  let x = transformer.embed(transformer.lookUp(graph.input("ids", "int64", ["B", "T"]))); // (B, T, D)
  for (let layer = 0; layer < config.layers; layer++) {
    const { mixed, ...cache } = transformer.attend(x, layer, { angles, mask });
    outputCache(graph, layer, cache);
    const isLast = layer === config.layers - 1;
    x = isLast
      ? transformer.finish(lastRows(x, last), lastRows(mixed, last), layer)
      : transformer.finish(x, mixed, layer);
  }
  graph.output("logits", transformer.logits(x));
  return graph;
}

/**
 * Rows (…, in) that are few beside a matrix (out, in): W·xᵀ, so that it is the rows that the product
 * lays out anew for its kernel, and not the matrix, which costs more than computing with it. At 8 rows
 * that is half as fast again; of one row ONNX Runtime reads the matrix as it lies.
 */
function fewRows(x: Value, weight: Value): Value {
  const rows = productDim(x.dims.slice(0, -1));
  const flat = reshape(x, [rows, x.dims.at(-1)!]);
  const product = transpose(gemm(weight, flat, { transposeB: true }), [1, 0]); // (rows, out)
  return reshape(product, [...x.dims.slice(0, -1), weight.dims[0]]);
}

/**
 * Reads one token a row: ids (B, 1), angles (1, C/2), caches (B, K, U, C) of what was read before.
 * Outputs logits (B, V) and the caches with one more position.
 *
 * With heads before positions the cache grows without being transposed, and with a single query
 * position so does every other operand: a reshape is enough.
 *
 * @param rowsAreFew more than one, but so few that a matrix is too large to be laid out for them
 */
export function stepGraph(
  config: ModelConfig,
  { rowsAreFew = false }: { readonly rowsAreFew?: boolean } = {},
): Graph {
  const { graph, transformer, angles } = start(config, 1, rowsAreFew ? fewRows : linear);
  const { heads, keyValueHeads: k, headDim } = config;
  let x = transformer.embed(transformer.lookUp(graph.input("ids", "int64", ["B", 1]))); // (B, 1, D)
  const past = (name: string) => graph.input(name, graph.dtype, ["B", k, "U", headDim]);
  for (let layer = 0; layer < config.layers; layer++) {
    const projected = transformer.project(x, layer, angles);
    const keys = concat([past(`keys/${layer}`), asHeads(projected.k, k)], 2); // (B, K, U+1, C)
    const values = concat([past(`values/${layer}`), asHeads(projected.v, k)], 2);
    outputCache(graph, layer, { keys, values });
    // Query heads that share a key head are rows of one product.
    const q = reshape(projected.q, ["B", k, heads / k, headDim]);
    const scores = matmul(q, keys, { transposeB: true, scale: transformer.scale });
    const weights = softmax(scores); // (B, K, H/K, U+1)
    const mixed = reshape(matmul(weights, values), ["B", 1, heads * headDim]);
    x = transformer.finish(x, mixed, layer);
  }
  graph.output("logits", transformer.logits(reshape(x, ["B", config.hiddenSize])));
  return graph;
}

function start(config: ModelConfig, time: "T" | 1, product = linear) {
  const graph = new Graph({ dtype: "float32" });
  const angle = (name: string) => graph.input(name, graph.dtype, [time, config.headDim / 2]);
  const angles = { cos: angle("cos"), sin: angle("sin") };
  const weights = weightInputs(graph, config);
  return { graph, transformer: new Transformer(config, weights, undefined, { product }), angles };
}

function outputCache(
  graph: Graph,
  layer: number,
  cache: { readonly keys: Value; readonly values: Value },
): void {
  graph.output(nextCacheName(`keys/${layer}`), cache.keys);
  graph.output(nextCacheName(`values/${layer}`), cache.values);
}

/** (B, 1, K, C) to (B, K, 1, C). */
function asHeads(x: Value, heads: number): Value {
  return reshape(x, [x.dims[0], heads, 1, x.dims[3]]);
}

function lastRows(x: Value, last: Value): Value {
  return embedding(reshape(x, ["B*T", x.dims[2]]), last);
}
