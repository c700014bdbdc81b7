import type { Graph } from "../graph/graph.ts";
import type { Target as Device } from "../graph/target.ts";
import { lowerForSession } from "../graph/to_onnx.ts";
import { addRowsGraph, gradientGraph, nextName } from "../gradient_graph.ts";
import { logpsGraph } from "../logps_graph.ts";
import type { PairScore } from "../logps.ts";
import type { TrainingLoss } from "../losses/losses.ts";
import type { AdapterConfig } from "../models/adapter_config.ts";
import type { AttentionBlocks } from "../models/attention_blocks.ts";
import type { ModelConfig } from "../models/config.ts";
import { plainDecoderGraph } from "../models/decoder_graph.ts";
import { MOST_SCORES } from "../models/decoding_ways.ts";
import type { ModelShape } from "../models/parameters.ts";
import { RotaryAngles } from "../models/rotary_angles.ts";
import { holdsRests } from "../pack_plan.ts";
import { layOut } from "../packs.ts";
import { pairFeeds } from "../pair_packs.ts";
import type { Precision } from "../precision.ts";
import { type RunMemory, runMemory } from "./run_memory.ts";

/** Tokens of a prompt and its replies; `rejected` is null where it is not read. */
export interface PairLengths {
  readonly prompt: number;
  readonly chosen: number;
  readonly rejected: number | null;
}

/** What runs compute. */
export interface ForeseenRuns {
  /** The pairs that each holds; at least one run. */
  readonly runs: readonly (readonly PairLengths[])[];
  /** What it runs on; `cpu` unless given. */
  readonly device?: Device;
  /** What layers compute in; float32 unless given. */
  readonly precision?: Precision;
  /** Entries of the vocabulary whose logits are there at once; all unless given. */
  readonly vocabularyChunk?: number;
  /** Blocks that attention is computed in; all at once unless given. */
  readonly attentionBlocks?: AttentionBlocks;
}

/** Runs of the gradient graph. */
export interface ForeseenTrainingRuns extends ForeseenRuns {
  /** When given, its weights alone are trained. */
  readonly adapter?: Pick<AdapterConfig, "rank" | "targets">;
  /** Whether layers are computed a second time instead of kept. */
  readonly recomputes: boolean;
}

/** Which loss it is does not matter to memory, but what it reads. */
const LOSSES: Readonly<Record<"both" | "chosen", TrainingLoss>> = {
  both: { loss: "rpo", beta: 0.1, eta: 0.005, sft: "sum" },
  chosen: { loss: "sft", sft: "sum" },
};

/**
 * The memory of the largest of some runs of training: forward, loss and backward, as
 * [gradient_graph.ts](../gradient_graph.ts) builds it.
 */
export function trainingRun(shape: ModelShape, options: ForeseenTrainingRuns): RunMemory {
  return remembered(["training", shape, options], () => foreseeTraining(shape, options));
}

function foreseeTraining(
  shape: ModelShape,
  { runs, adapter, recomputes, precision, vocabularyChunk, attentionBlocks, device }:
    ForeseenTrainingRuns,
): RunMemory {
  const comparesPairs = runs.flat().every(({ rejected }) => rejected !== null);
  return largestByLayers(shape, device, (config) => {
    const rests = holdsRests(config, device);
    const options = {
      config,
      adapter: adapter && { ...adapter, alpha: adapter.rank, dropout: 0 },
      loss: LOSSES[comparesPairs ? "both" : "chosen"],
      gradientCheckpointing: recomputes,
      precision,
      rests,
      vocabularyChunk,
      attentionBlocks,
    };
    const graph = sessionGraph(["training", options, device], () => gradientGraph(options), device);
    const facts = {
      config,
      angles: new RotaryAngles(config),
      comparesPairs,
      rests,
      blocks: attentionBlocks,
    };
    return runs.map((run) => {
      const pairs = run.map(tokensOf);
      const batch = { pairs, reference: pairs.map(scoreOf) };
      const feeds = pairFeeds(batch, { ...facts, pairs: run.length, meanChosenTokens: 1 });
      const memory = memoryOf(graph, feeds, device);
      if (device !== "cuda" || adapter !== undefined) return memory;
      return { ...memory, bytes: memory.bytes + addedRowsBytes(config, feeds.ids.dims[0]) };
    });
  });
}

/** What the session holds on a GPU that adds the gradients of rows that were looked up. */
function addedRowsBytes({ vocabSize, hiddenSize }: ModelShape, tokens: number): number {
  const graph = sessionGraph(["added rows"], addRowsGraph, "cuda");
  const feeds = {
    table: { dims: [vocabSize, hiddenSize] },
    ids: { dims: [tokens] },
    rows: { dims: [tokens, hiddenSize] },
  };
  return memoryOf(graph, feeds, "cuda").bytes;
}

/** Runs of scoring. */
export interface ForeseenScoringRuns extends ForeseenRuns {
  /** What weights are fed as; what layers compute in unless given. */
  readonly fed?: Precision;
}

/** The same of runs of scoring, as [logps_graph.ts](../logps_graph.ts) builds it. */
export function scoringRun(shape: ModelShape, options: ForeseenScoringRuns): RunMemory {
  return remembered(["scoring", shape, options], () => foreseeScoring(shape, options));
}

function foreseeScoring(
  shape: ModelShape,
  { runs, precision, fed = precision, vocabularyChunk, attentionBlocks: blocks, device }:
    ForeseenScoringRuns,
): RunMemory {
  return largestByLayers(shape, device, (config) => {
    const rests = holdsRests(config, device);
    const layout = { config, angles: new RotaryAngles(config), rests, blocks };
    const options = {
      ...{ precision, fed, rests, vocabularyChunk },
      attentionBlocks: blocks,
    };
    const make = () => logpsGraph(config, undefined, options);
    const graph = sessionGraph(["scoring", config, options, device], make, device);
    return runs.map((run) => {
      const groups = run.map(tokensOf).map(({ prompt, chosen, rejected }) => ({
        prompt,
        replies: rejected === null ? [chosen] : [chosen, rejected],
      }));
      return memoryOf(graph, { ...layOut(groups, layout) }, device);
    });
  });
}

/** What is decoded of plain ops: so many rows at once, each with room for so many positions. */
export interface ForeseenDecoding {
  readonly rows: number;
  readonly positions: number;
  /** Of the longest prompt. */
  readonly promptTokens: number;
  readonly precision?: Precision;
  readonly device?: Device;
}

/** The larger of reading prompts and of a step of all rows, as [decoder_graph.ts](../models/decoder_graph.ts) builds it. */
export function decodingRun(shape: ModelShape, options: ForeseenDecoding): RunMemory {
  return remembered(["decoding", shape, options], () => foreseeDecoding(shape, options));
}

function foreseeDecoding(
  shape: ModelShape,
  { rows, positions, promptTokens, precision = "float32", device }: ForeseenDecoding,
): RunMemory {
  const scores = shape.heads * promptTokens * positions;
  const read = Math.max(1, Math.min(rows, Math.floor(MOST_SCORES / scores)));
  return largestByLayers(shape, device, (config) => {
    const make = () => plainDecoderGraph(config, precision);
    const graph = sessionGraph(["decoding", config, precision, device], make, device);
    return [[read, promptTokens], [rows, 1]].map(([count, tokens]) =>
      memoryOf(graph, {
        ids: { dims: [count, tokens] },
        slots: { dims: [positions] },
        cos: { dims: [positions, 0] },
      }, device)
    );
  });
}

/** Runs that were foreseen: instances of a recipe are often alike, and are held to several machines. */
const RUNS = new Map<string, RunMemory>();

function remembered(like: readonly unknown[], foresee: () => RunMemory): RunMemory {
  const key = JSON.stringify(like);
  const run = RUNS.get(key) ?? foresee();
  RUNS.set(key, run);
  return run;
}

/** Graphs that are known: instances of a recipe often differ in what they read alone. */
const GRAPHS = new Map<string, Graph>();

/** A graph as a session has it, made once for all that is like it. */
function sessionGraph(like: readonly unknown[], make: () => Graph, target?: Device): Graph {
  const key = JSON.stringify(like);
  const graph = GRAPHS.get(key) ?? lowerForSession(make(), { target });
  GRAPHS.set(key, graph);
  return graph;
}

/** @param feeds all that is fed but weights and gathered gradients */
function memoryOf(
  graph: Graph,
  feeds: Readonly<Record<string, { readonly dims: readonly number[] }>>,
  device?: Device,
): RunMemory {
  const sizes = new Map<string, number>();
  for (const [name, { dims }] of graph.inputs) {
    const fed = feeds[name]?.dims;
    dims.forEach((dim, i) => {
      if (fed !== undefined && typeof dim === "string") sizes.set(dim, fed[i]);
    });
  }
  const outputs = [...graph.outputs];
  const placed = new Set(outputs.filter(([name]) => isNext(name)).map(([, value]) => value));
  return runMemory(graph, { sizes, placed, device });
}

/** Gathered gradients are written over what was gathered before. */
function isNext(output: string): boolean {
  return output.startsWith(nextName(""));
}

/** Layers from which on each adds as much as the one before. */
const SHALLOW = 4;

/**
 * The largest run of a deep model. On a processor it is told by two shallow ones; a GPU's arena grows by steps, so
 * that all layers are gone through.
 */
function largestByLayers(
  { layers, ...shape }: ModelShape,
  device: Device | undefined,
  memoriesAt: (config: ModelConfig) => RunMemory[],
): RunMemory {
  const at = (layers: number) => memoriesAt(configOf({ ...shape, layers }));
  const grown = (few: number, more: number) => few + (layers - SHALLOW) * (more - few);
  const grownRuns = (few: RunMemory[], more: RunMemory[]) =>
    few.map(({ bytes, keptBytes, nodes }, i) => ({
      bytes: grown(bytes, more[i].bytes),
      keptBytes: grown(keptBytes, more[i].keptBytes),
      nodes: grown(nodes, more[i].nodes),
    }));
  const isWhole = device === "cuda" || layers <= SHALLOW;
  const runs = isWhole ? at(layers) : grownRuns(at(SHALLOW), at(SHALLOW + 1));
  return runs.reduce((most, run) => run.bytes > most.bytes ? run : most);
}

/** A config of a shape; what the shape does not say takes no memory. */
export function configOf(shape: ModelShape): ModelConfig {
  return {
    ...shape,
    normEpsilon: 1e-5,
    ropeTheta: 1e4,
    maxPositions: Infinity,
    slidingWindow: null,
    initializerRange: 0.02,
    bosTokenId: null,
    eosTokenIds: [],
    padTokenId: null,
    generation: {},
  };
}

function tokensOf({ prompt, chosen, rejected }: PairLengths, row: number) {
  return {
    id: String(row),
    prompt: new Int32Array(prompt),
    chosen: new Int32Array(chosen),
    rejected: rejected === null ? null : new Int32Array(rejected),
  };
}

function scoreOf({ id, chosen, rejected }: ReturnType<typeof tokensOf>): PairScore {
  const [chosenTokens, rejectedTokens] = [chosen.length, rejected?.length ?? null];
  return { id, chosenLogp: 0, rejectedLogp: 0, chosenTokens, rejectedTokens };
}
