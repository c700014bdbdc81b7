import { Graph } from "../graph/graph.ts";
import { embedding, reshape } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { Precision } from "../precision.ts";
import type { ModelConfig } from "./config.ts";
import { rowPlaces } from "./plain_cached_attention.ts";
import { Transformer, weightInputs } from "./transformer.ts";

/** Names of each layer's keys and values: as inputs, and behind `next/` as outputs. */
export function cacheNames({ layers }: Pick<ModelConfig, "layers">): string[] {
  return Array.from({ length: layers }, (_, layer) => [`keys/${layer}`, `values/${layer}`]).flat();
}

/** The output that holds a cache after the run. */
export function nextCacheName(name: string): string {
  return `next/${name}`;
}

/**
 * Reads new tokens of B rows, T of each: whole prompts, or one more token a row. What each input is
 * stands with `CachedAttentionOperands`; the caches have room for U positions a row.
 *
 * Inputs: ids (B, T), `asked` (B) the rows of the flattened (B·T) whose logits are wanted, last (B),
 * longest (), cos and sin (P, C/2), each layer's keys and values (B, K, U, C), the weights. Outputs:
 * logits (B, V), and the caches with what was read.
 *
 * @param scale multiplies attention scores
 */
export function decoderGraph(config: ModelConfig, scale: number): Graph {
  const graph = new Graph({ dtype: "float32" });
  const tokens = tokenInputs(graph);
  const places = {
    last: graph.input("last", "int32", ["B"]),
    longest: graph.input("longest", "int32", []),
    cos: graph.input("cos", graph.dtype, ["P", config.headDim / 2]),
    sin: graph.input("sin", graph.dtype, ["P", config.headDim / 2]),
  };
  const transformer = new Transformer(config, weightInputs(graph, config), undefined, { scale });
  putOutRows(
    transformer,
    tokens,
    (x, layer, cache) => transformer.attendToCache(x, layer, { ...cache, ...places }),
  );
  return graph;
}

/**
 * The same of ops that every device has, in any precision: instead of `last` and `longest` it is fed what
 * `rowPlaces` declares. Weights and caches are fed in the precision.
 */
export function plainDecoderGraph(config: ModelConfig, precision: Precision): Graph {
  const graph = new Graph({ dtype: "float32" });
  const tokens = tokenInputs(graph);
  const places = rowPlaces(graph, config, precision);
  const weights = weightInputs(graph, config, { dtype: precision });
  const transformer = new Transformer(config, weights, undefined, { precision });
  putOutRows(
    transformer,
    tokens,
    (x, layer, cache) => transformer.attendPlainly(x, layer, { ...cache, places }),
    precision,
  );
  return graph;
}

/** A layer's keys and values, (B, K, U, C). */
interface LayerCache {
  readonly keys: Value;
  readonly values: Value;
}

/** What is read, and which rows' logits are wanted. */
interface TokenInputs {
  readonly ids: Value;
  readonly asked: Value;
}

function tokenInputs(graph: Graph): TokenInputs {
  return {
    ids: graph.input("ids", "int64", ["B", "T"]),
    asked: graph.input("asked", "int64", ["B"]),
  };
}

/** Reads `ids` through all layers and puts out caches and the logits of the rows that are asked for. */
function putOutRows(
  transformer: Transformer,
  { ids, asked }: TokenInputs,
  attend: (x: Value, layer: number, cache: LayerCache) => LayerCache & { readonly mixed: Value },
  dtype: Precision = "float32",
): void {
  const { graph } = ids;
  const { layers, keyValueHeads, headDim } = transformer.config;
  const cache = (name: string) => graph.input(name, dtype, ["B", keyValueHeads, "U", headDim]);
  let x = transformer.embed(transformer.lookUp(ids)); // (B, T, D)
  for (let layer = 0; layer < layers; layer++) {
    const [keys, values] = [cache(`keys/${layer}`), cache(`values/${layer}`)];
    const seen = attend(x, layer, { keys, values });
    graph.output(nextCacheName(`keys/${layer}`), seen.keys);
    graph.output(nextCacheName(`values/${layer}`), seen.values);
    const isLast = layer === layers - 1;
    x = isLast
      ? transformer.finish(rowsOf(x, asked), rowsOf(seen.mixed, asked), layer)
      : transformer.finish(x, seen.mixed, layer);
  }
  graph.output("logits", transformer.logits(x));
}

/** Rows of x (B, T, W), counted over the flattened (B·T). */
function rowsOf(x: Value, rows: Value): Value {
  return embedding(reshape(x, ["B*T", x.dims[2]]), rows);
}
