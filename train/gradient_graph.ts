import { Graph } from "./graph/graph.ts";
import { type BackwardSeed, gradientsFrom } from "./graph/gradients.ts";
import { add, expand, mul, reduceSum, reshape, scatterElementsAdd, split } from "./graph/ops.ts";
import type { Value } from "./graph/value.ts";
import { lossReads, lossTerms, type TrainingLoss } from "./losses/losses.ts";
import { chosenLogpsInputs, pairLogpsInputs, perBatch, perPair } from "./losses/logps_inputs.ts";
import type { ChosenLogps, PairLogps } from "./losses/pair_logps.ts";
import type { AttentionBlocks } from "./models/attention_blocks.ts";
import type { ModelConfig } from "./models/config.ts";
import type { AdapterConfig, Target } from "./models/adapter_config.ts";
import { chunkedCotangents, type ChunkedLogps, type HeadRows } from "./models/chunked_logps.ts";
import { headChunks } from "./models/head_chunks.ts";
import { type GradientPaths, packInputs, replyLogps } from "./models/packed_logps.ts";
import { EMBEDDING } from "./models/parameters.ts";
import type { Precision } from "./precision.ts";
import { adapterInputs, Transformer, weightInputs } from "./models/transformer.ts";

/** What a gradient is taken of. */
export interface GradientGraphOptions {
  readonly config: ModelConfig;
  /** When given, gradients are of its weights alone. */
  readonly adapter?: AdapterConfig;
  readonly loss: TrainingLoss;
  /** Whether layers are computed a second time instead of kept: less memory, more time. */
  readonly gradientCheckpointing?: boolean;
  /** What layers compute in, and weights that are not trained are fed in; float32 unless given. */
  readonly precision?: Precision;
  /** Whether packs have a grid of rests; as `holdsRests` says unless given. */
  readonly rests?: boolean;
  /** Entries of the vocabulary whose logits are there at once; all unless given. */
  readonly vocabularyChunk?: number;
  /** Blocks that attention is computed in; all at once unless given. */
  readonly attentionBlocks?: AttentionBlocks;
}

/** Whether gradients pass through layers in a type that small ones are too small for. */
function isScaled({ precision }: GradientGraphOptions): boolean {
  return precision === "float16";
}

/** The input that holds what has been gathered of a weight's gradient. */
export function gradientName(weight: string): string {
  return `gradient/${weight}`;
}

/** The output that holds the gradients of the rows looked up in the embedding table. */
export const ROW_GRADIENTS = "rowGradients";

/** The output that holds the next value of an input. */
export function nextName(name: string): string {
  return `next/${name}`;
}

/**
 * Forward, loss and backward over one pack of P pairs, which is a batch or a part of one.
 *
 * Inputs: weights; what has been gathered of the gradients of those that are trained; a `Pack` of P
 * chosen replies and, where the loss compares pairs, P rejected ones behind them; float64 of
 * `PairLogps`' fields but the policy's, those that the loss reads; `pairWeights` (P), one over the pairs of the whole batch;
 * `preferenceWeight` and `regulariserWeight` (), 1 but where one part's own gradient is asked for; with
 * layers in float16 `lossScale` (), by which all gradients come out too large.
 *
 * Outputs: `preference` and `regulariser` (), this pack's share of the batch's mean; `loss` (), their
 * weighted sum, of which the gradient is; `policyChosen` and `policyRejected` (P); `next/gradient/…`,
 * to be written over what was gathered. The embedding table's is that of the table as head, if it is
 * one; as table it has `rowGradients` (N, D), to be added at the rows of `ids` (`addRowsGraph`): in
 * the graph that would copy the table twice.
 */
export function gradientGraph(options: GradientGraphOptions): Graph {
  const { config, adapter, loss, gradientCheckpointing = false } = options;
  const graph = new Graph({ dtype: "float32" });
  const { precision } = options;
  const chunks = headChunks(config, options.vocabularyChunk);
  const weights = weightInputs(graph, config, { dtype: adapter && precision, chunks });
  const added = adapter && adapterInputs(graph, adapter, config);
  const trained = added?.weights ?? weights;
  const comparesPairs = lossReads(loss) === "pairs";
  const pack = packInputs(graph, config, {
    replies: comparesPairs ? "2*P" : "P",
    paths: gradientPaths(config, adapter),
    rests: options.rests,
    blocks: options.attentionBlocks,
  });
  const boundaries: Value[] = [];
  const rows: Value[] = [];
  const chunked: ChunkedLogps[] = [];
  const transformer = new Transformer(config, weights, added, { precision, chunks });
  const policy = replyLogps(transformer, pack, {
    segments: graph.input("segments", "int64", ["M"]),
    onRows: (x) => trained.has(EMBEDDING) && rows.push(x),
    onLayer: (x) => boundaries.push(x),
    onChunked: (x) => chunked.push(x),
  });
  const total = putOutLoss(
    comparesPairs ? pairLogps(graph, policy) : chosenLogps(graph, policy),
    loss,
  );
  const gather = (name: string, gradient: Value) => putOutGathered(name, gradient);
  const trainsHead = chunks.some(({ name }) => trained.has(name));
  const whole = {
    output: total,
    cotangent: isScaled(options) ? perBatch(graph, "lossScale") : graph.scalar(1, total.dtype),
  };
  const seed = chunked.length === 0
    ? whole
    : throughChunks(whole, chunked[0], trainsHead ? gather : undefined);
  const others = [...trained].filter(([name]) =>
    !chunks.some((chunk) => chunk.name === name) &&
    (name !== EMBEDDING || config.tiedEmbeddings && chunks.length === 0)
  );
  const wrt = [...rows, ...others.map(([, weight]) => weight)];
  const grads = gradientsFrom(seed, wrt, gradientCheckpointing ? boundaries : []);
  rows.forEach((_, i) => graph.output(ROW_GRADIENTS, grads[i]));
  others.forEach(([weight], i) => gather(weight, grads[rows.length + i]));
  return graph;
}

/** Adds a gradient to what has been gathered of it, and puts the sum out. */
function putOutGathered(weight: string, gradient: Value): Value {
  const { graph, dims } = gradient;
  const name = gradientName(weight);
  const sum = add(graph.input(name, graph.dtype, dims), gradient);
  graph.output(nextName(name), sum);
  return sum;
}

/** The cotangent of what the output projection reads, from the loss back; its own gradient is gathered. */
function throughChunks(
  loss: BackwardSeed,
  chunked: ChunkedLogps,
  gather: ((name: string, gradient: Value) => Value) | undefined,
): BackwardSeed {
  const [dy] = gradientsFrom(loss, [chunked.logps]);
  const gathered = gather && (({ name }: HeadRows, gradient: Value) => gather(name, gradient));
  return { output: chunked.hidden, cotangent: chunkedCotangents(chunked, dy, gathered) };
}

function pairLogps(graph: Graph, policy: Value): PairLogps {
  const [policyChosen, policyRejected] = split(policy, { axis: 0, sizes: ["P", "P"] });
  return pairLogpsInputs(graph, { policyChosen, policyRejected });
}

function chosenLogps(graph: Graph, policyChosen: Value): ChosenLogps {
  return chosenLogpsInputs(graph, { policyChosen });
}

/** Puts out what there is to say of the loss; gives the sum that is differentiated, (). */
function putOutLoss(
  logps: ChosenLogps & { readonly policyRejected?: Value },
  loss: TrainingLoss,
): Value {
  const { graph } = logps.policyChosen;
  const terms = lossTerms(logps, loss);
  const pairWeights = perPair(graph, "pairWeights");
  const share = (part: Value) => reduceSum(mul(part, pairWeights)); // ()
  const [preference, regulariser] = [share(terms.preference), share(terms.regulariser)];
  const total = add(
    mul(preference, perBatch(graph, "preferenceWeight")),
    mul(regulariser, perBatch(graph, "regulariserWeight")),
  );
  graph.output("loss", total);
  graph.output("preference", preference);
  graph.output("regulariser", regulariser);
  graph.output("policyChosen", logps.policyChosen);
  if (logps.policyRejected) graph.output("policyRejected", logps.policyRejected);
  return total;
}

/** All, but in a single layer whose attention has nothing that is trained, before it or in it. */
function gradientPaths({ layers }: ModelConfig, adapter: AdapterConfig | undefined): GradientPaths {
  if (adapter === undefined || layers > 1) return { keySlots: true, predictions: true };
  const trains = (...names: Target[]) => names.some((name) => adapter.targets.includes(name));
  return {
    keySlots: trains("k_proj", "v_proj"),
    predictions: trains("q_proj", "k_proj", "v_proj"),
  };
}

/**
 * Rows added to a table at some of its places, which may repeat: `table` (V, D), `ids` (N), `rows`
 * (N, D); output `next/table`, to be written over the table.
 */
export function addRowsGraph(): Graph {
  const graph = new Graph({ dtype: "float32" });
  const table = graph.input("table", graph.dtype, ["V", "D"]);
  const ids = graph.input("ids", "int64", ["N"]);
  const updates = graph.input("rows", graph.dtype, ["N", "D"]);
  const indices = expand(reshape(ids, ["N", 1]), updates.dims);
  graph.output(nextName("table"), scatterElementsAdd(table, { indices, updates, axis: 0 }));
  return graph;
}
