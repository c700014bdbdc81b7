import type { Dtype } from "../core/tensor.ts";
import { Graph } from "./graph/graph.ts";
import type { AdapterConfig } from "./models/adapter_config.ts";
import type { AttentionBlocks } from "./models/attention_blocks.ts";
import type { ModelConfig } from "./models/config.ts";
import { headChunks } from "./models/head_chunks.ts";
import { packInputs, replyTokenLogps } from "./models/packed_logps.ts";
import { adapterInputs, Transformer, weightInputs } from "./models/transformer.ts";

/** How log-probs are computed. */
export interface LogpsGraphOptions {
  /** What layers compute in; float32 unless given. */
  readonly precision?: Dtype;
  /** What the model's weights are fed in; float32 unless given. */
  readonly fed?: Dtype;
  /** Whether packs have a grid of rests; as `holdsRests` says unless given. */
  readonly rests?: boolean;
  /** Entries of the vocabulary whose logits are there at once; all unless given. */
  readonly vocabularyChunk?: number;
  /** Blocks that attention is computed in; all at once unless given. */
  readonly attentionBlocks?: AttentionBlocks;
}

/**
 * Inputs: weights, the output projection by `headChunks` where those are more than one, and a `Pack`;
 * output: `logps`, log π of each reply token (M).
 */
export function logpsGraph(
  config: ModelConfig,
  adapter?: AdapterConfig,
  { precision, fed, rests, vocabularyChunk, attentionBlocks: blocks }: LogpsGraphOptions = {},
): Graph {
  const graph = new Graph({ dtype: "float32" });
  const chunks = headChunks(config, vocabularyChunk);
  const weights = weightInputs(graph, config, { dtype: fed, chunks });
  const added = adapter && adapterInputs(graph, adapter, config);
  const transformer = new Transformer(config, weights, added, { precision, chunks });
  const pack = packInputs(graph, config, { replies: "S", rests, blocks });
  graph.output("logps", replyTokenLogps(transformer, pack));
  return graph;
}
