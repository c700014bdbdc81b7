import { Graph } from "../graph/graph.ts";
import { embedding, reshape } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { ModelConfig } from "./config.ts";
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
  const ids = graph.input("ids", "int64", ["B", "T"]);
  const asked = graph.input("asked", "int64", ["B"]);
  const places = {
    last: graph.input("last", "int32", ["B"]),
    longest: graph.input("longest", "int32", []),
    cos: graph.input("cos", graph.dtype, ["P", config.headDim / 2]),
    sin: graph.input("sin", graph.dtype, ["P", config.headDim / 2]),
  };
  const { keyValueHeads, headDim } = config;
  const cache = (name: string) =>
    graph.input(name, graph.dtype, ["B", keyValueHeads, "U", headDim]);
  const transformer = new Transformer(config, weightInputs(graph, config), undefined, { scale });
  let x = transformer.embed(transformer.lookUp(ids)); // (B, T, D)
  for (let layer = 0; layer < config.layers; layer++) {
    const [keys, values] = [cache(`keys/${layer}`), cache(`values/${layer}`)];
    const seen = transformer.attendToCache(x, layer, { keys, values, ...places });
    graph.output(nextCacheName(`keys/${layer}`), seen.keys);
    graph.output(nextCacheName(`values/${layer}`), seen.values);
    const isLast = layer === config.layers - 1;
    x = isLast
      ? transformer.finish(rowsOf(x, asked), rowsOf(seen.mixed, asked), layer)
      : transformer.finish(x, seen.mixed, layer);
  }
  graph.output("logits", transformer.logits(x));
  return graph;
}

/** Rows of x (B, T, W), counted over the flattened (B·T). */
function rowsOf(x: Value, rows: Value): Value {
  return embedding(reshape(x, ["B*T", x.dims[2]]), rows);
}
