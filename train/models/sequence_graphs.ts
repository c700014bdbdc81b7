import { Graph } from "../graph/graph.ts";
import { causalMask, reshape } from "../graph/ops.ts";
import type { ModelConfig } from "./config.ts";
import { EMBEDDING, FINAL_NORM, HEAD } from "./parameters.ts";
import { Transformer, weightInputs } from "./transformer.ts";

/**
 * Reads one sequence: ids (1, T), angles (T, C/2). Outputs `hidden` (T, D), what the last layer makes
 * of each token, before the last norm.
 */
export function hiddenGraph(config: ModelConfig): Graph {
  const graph = new Graph({ dtype: "float32" });
  const angle = (name: string) => graph.input(name, graph.dtype, ["T", config.headDim / 2]);
  const angles = { cos: angle("cos"), sin: angle("sin") };
  const reads = (name: string) => name !== FINAL_NORM && name !== HEAD;
  const transformer = new Transformer(config, weightInputs(graph, config, { reads }));
  const mask = transformer.computed(causalMask(graph, "T")); // (T, T)
  let x = transformer.embed(transformer.lookUp(graph.input("ids", "int64", [1, "T"]))); // (1, T, D)
  for (let layer = 0; layer < config.layers; layer++) {
    const { mixed } = transformer.attend(x, layer, { angles, mask });
    x = transformer.finish(x, mixed, layer);
  }
  graph.output("hidden", reshape(x, ["T", config.hiddenSize]));
  return graph;
}

/** What follows: `hidden` (M, D) of any tokens to `logits` (M, V). */
export function headGraph(config: ModelConfig): Graph {
  const graph = new Graph({ dtype: "float32" });
  const head = config.tiedEmbeddings ? EMBEDDING : HEAD;
  const reads = (name: string) => name === FINAL_NORM || name === head;
  const transformer = new Transformer(config, weightInputs(graph, config, { reads }));
  const hidden = graph.input("hidden", graph.dtype, ["M", config.hiddenSize]);
  graph.output("logits", transformer.logits(hidden));
  return graph;
}
