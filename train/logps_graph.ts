import { Graph } from "./graph/graph.ts";
import type { ModelConfig } from "./models/config.ts";
import { packInputs, replyTokenLogps } from "./models/packed_logps.ts";
import { Transformer, weightInputs } from "./models/transformer.ts";

/** Inputs: weights and a `Pack`; output: `logps`, log π of each reply token (M). */
export function logpsGraph(config: ModelConfig): Graph {
  const graph = new Graph({ dtype: "float32" });
  const transformer = new Transformer(config, weightInputs(graph, config));
  const pack = packInputs(graph, config, { replies: "S", trained: false });
  graph.output("logps", replyTokenLogps(transformer, pack));
  return graph;
}
