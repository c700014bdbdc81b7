import { Graph } from "../graph/graph.ts";
import { attention, causalMask, reshape, transpose } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { ModelConfig } from "./config.ts";
import { EMBEDDING, FINAL_NORM, HEAD, parametersOf } from "./parameters.ts";
import { Transformer, type WeightInputs } from "./transformer.ts";

/**
 * Reads one sequence: ids (1, T), angles (T, C/2). Outputs `hidden` (T, D), what the last layer makes
 * of each token, before the last norm.
 */
export function hiddenGraph(config: ModelConfig): Graph {
  const graph = new Graph({ dtype: "float32" });
  const angle = (name: string) => graph.input(name, graph.dtype, ["T", config.headDim / 2]);
  const angles = { cos: angle("cos"), sin: angle("sin") };
  const inLayers = (name: string) => name !== FINAL_NORM && name !== HEAD;
  const transformer = new Transformer(config, someWeights(graph, config, inLayers));
  const mask = transformer.computed(causalMask(graph, "T")); // (T, T)
  let x = transformer.embed(transformer.lookUp(graph.input("ids", "int64", [1, "T"]))); // (1, T, D)
  for (let layer = 0; layer < config.layers; layer++) {
    const projected = transformer.project(x, layer, angles);
    const [q, k, v] = [projected.q, projected.k, projected.v].map(headsFirst);
    const seen = attention({ q, k, v, mask, scale: transformer.scale }); // (1, H, T, C)
    const mixed = reshape(headsFirst(seen), [1, "T", config.heads * config.headDim]);
    x = transformer.finish(x, mixed, layer);
  }
  graph.output("hidden", reshape(x, ["T", config.hiddenSize]));
  return graph;
}

/** What follows: `hidden` (M, D) of any tokens to `logits` (M, V). */
export function headGraph(config: ModelConfig): Graph {
  const graph = new Graph({ dtype: "float32" });
  const head = config.tiedEmbeddings ? EMBEDDING : HEAD;
  const inHead = (name: string) => name === FINAL_NORM || name === head;
  const transformer = new Transformer(config, someWeights(graph, config, inHead));
  const hidden = graph.input("hidden", graph.dtype, ["M", config.hiddenSize]);
  graph.output("logits", transformer.logits(hidden));
  return graph;
}

/** The weights that a graph reads, as inputs under their own names. */
function someWeights(
  graph: Graph,
  config: ModelConfig,
  reads: (name: string) => boolean,
): WeightInputs {
  const parameters = parametersOf(config).filter(({ name }) => reads(name));
  return new Map(
    parameters.map(({ name, dims }) => [name, graph.input(name, graph.dtype, dims)]),
  );
}

/** (1, T, K, C) to (1, K, T, C), and back. */
function headsFirst(x: Value): Value {
  return transpose(x, [0, 2, 1, 3]);
}
