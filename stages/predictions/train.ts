import {
  type MemoryPart,
  partsOf,
  type Prediction,
  type Sizes,
  totalBytes,
  type Work,
} from "../../pipeline/prediction.ts";
import { adapterWeights, countWeights } from "../../train/costs/arithmetic.ts";
import { type ScoredRuns, scoringMemory, trainingMemory } from "../../train/costs/memory.ts";
import { shapeOf } from "../../train/costs/model_sizes.ts";
import { scoringWork, trainingWork } from "../../train/costs/work.ts";
import { targetOf } from "../../train/graph/target.ts";
import { trainingLanes } from "../../train/lanes.ts";
import { attentionBlocks } from "../../train/models/attention_blocks.ts";
import { vocabularyChunkFor } from "../../train/models/head_chunks.ts";
import { type ModelShape, parametersOf } from "../../train/models/parameters.ts";
import { BUCKET_SIZE } from "../../train/parallel/buckets.ts";
import { defaultTokensPerRun, longestPairsPerRun } from "../../train/pair_packs.ts";
import type train from "../train.ts";
import { countSteps, snapshotSteps } from "../train_steps.ts";
import type { ParamsOf, PredictOf } from "./params_of.ts";
import { loadingSeconds, speedOn } from "./speeds.ts";
import { largestRuns } from "./largest_runs.ts";
import { scoredRuns } from "./score.ts";
import {
  longestTokens,
  meanReading,
  rejectedAlone,
  type TokenSizes,
  tokenSizesOf,
} from "./token_sizes.ts";

type Params = ParamsOf<typeof train>;

/**
 * Training: the model's shape and the tokens decide what it takes. Several processes do one's work with all
 * their cores.
 */
export const predictTraining: PredictOf<typeof train> = async ({ params, inputs, isDone }) => {
  const [model] = inputs.model;
  const shape = shapeOf(model);
  const tokens = tokenSizesOf(inputs.tokens[0]);
  const outputs: Record<string, Sizes> = model === null ? {} : { model };
  if (tokens === null) return { outputs };
  const steps = countSteps(params, tokens.pairs);
  if (model !== null) {
    const snapshots = snapshotSteps(params.snapshots, steps).length;
    outputs.snapshots = { ...model, snapshots };
  }
  if (shape === null) return { outputs };
  const plan = { params, shape, tokens, steps, hasReference: (inputs.reference ?? []).length > 0 };
  const work = { work: workOf(plan), ...exchangeOf(plan) };
  return { outputs, ...work, ...(isDone ? {} : { memory: await memoryOf(plan) }) };
};

interface Plan {
  readonly params: Params;
  readonly shape: ModelShape;
  readonly tokens: TokenSizes;
  readonly steps: number;
  /** Whether the reference's log-probs are wired; otherwise training scores them first. */
  readonly hasReference: boolean;
}

/** SFT reads the chosen replies alone; of a loss from a file it is not known, so both. */
function readsOf({ loss }: Params): "both" | "chosen" {
  return loss === "sft" ? "chosen" : "both";
}

function workOf({ params, shape, tokens, steps, hasReference }: Plan): Work {
  const { lora: adapter, batchPairs, gradientCheckpointing: recomputes } = params;
  const reads = readsOf(params);
  const reading = meanReading(tokens, reads);
  const pairs = steps * batchPairs;
  const apart = passesApart({ params, steps });
  const runTokens = defaultTokensPerRun(shape);
  const training = trainingWork(shape, reading, {
    pairs,
    steps,
    runs: steps * runsOf(params, reading.tokens, runTokens),
    passes: 1 + apart / steps,
    adapter,
    recomputes,
    repeatsLogits: chunkOf({ params, shape, tokens }) < shape.vocabSize,
    repeatsScores: blocksOf({ params, shape, tokens }) !== undefined,
  });
  // What SFT does not read is scored as it goes along; a reference that is not wired, before.
  const scored = reads === "chosen"
    ? tokens.rejectedTokens === 0 ? 0 : pairs * scoringWork(shape, meanReading(tokens, "rejected"))
    : hasReference
    ? 0
    : tokens.pairs * scoringWork(shape, reading);
  return {
    amount: training + scored,
    unit: "operations",
    ...speedOn(params, adapter === undefined ? "all weights" : "adapter"),
    startSeconds: startOf({ params, shape, steps }),
    scale: countWeights(shape).all,
  };
}

/** Passes over a batch for one part of a loss: of one with two, each is measured by itself now and then. */
function passesApart({ params, steps }: Pick<Plan, "params" | "steps">): number {
  const hasParts = params.loss === "rpo" || params.loss === "custom";
  return hasParts ? 2 * Math.ceil(steps / params.gradientShareSteps) : 0;
}

/** Of several processes, each hands on its gradients, and all get the new weights (train/parallel/shards.ts). */
function exchangeOf({ params, shape, steps }: Plan): Pick<Prediction, "exchangedBytes"> {
  const { processes = 1 } = params;
  if (processes === 1) return {};
  const times = 2 * steps + passesApart({ params, steps });
  return { exchangedBytes: times * 4 * trainedWeights({ params, shape }) };
}

function trainedWeights({ params, shape }: Pick<Plan, "params" | "shape">): number {
  return params.lora ? adapterWeights(params.lora, shape) : countWeights(shape).all;
}

/** Pairs of a batch that each process computes. */
function sharedPairs({ batchPairs, processes = 1 }: Params): number {
  return Math.ceil(batchPairs / processes);
}

/** Pairs that a run could hold, if tokens did not matter. */
function pairsPerRun(params: Params): number {
  return Math.min(sharedPairs(params), params.microBatchPairs ?? params.batchPairs);
}

/** Runs of the gradient graph a step. */
function runsOf(
  { batchPairs, microBatchPairs = batchPairs }: Params,
  pairTokens: number,
  runTokens: number,
): number {
  const byTokens = Math.ceil(batchPairs * pairTokens / runTokens);
  return Math.min(batchPairs, Math.max(byTokens, Math.ceil(batchPairs / microBatchPairs)));
}

/** Loading and saving: the model, snapshots, and checkpoints of weights and moments. */
function startOf({ params, shape, steps }: Pick<Plan, "params" | "shape" | "steps">): number {
  const { all } = countWeights(shape);
  const trained = trainedWeights({ params, shape });
  const checkpoints = checkpointsOf({ params, steps });
  const snapshots = snapshotSteps(params.snapshots, steps).length;
  return loadingSeconds({
    loadedBytes: 4 * all,
    writtenBytes: 4 * (all + snapshots * all + checkpoints * 3 * trained),
  });
}

/** The last step has none: it is the model. */
function checkpointsOf({ params, steps }: Pick<Plan, "params" | "steps">): number {
  return Math.ceil(steps / params.checkpointSteps) - 1;
}

/** Entries of the vocabulary whose logits are there at once. */
function chunkOf({ params, shape, tokens }: Pick<Plan, "params" | "shape" | "tokens">): number {
  const { vocabSize } = shape;
  const target = targetOf(params.device);
  return vocabularyChunkFor(params.vocabularyChunk, {
    vocabSize,
    tokens: defaultTokensPerRun(shape, target),
    longest: { replies: tokens.longestReplies, pairs: pairsPerRun(params) },
    target,
  });
}

/** The blocks that attention is computed in. */
function blocksOf({ params, shape, tokens }: Pick<Plan, "params" | "shape" | "tokens">) {
  const { attentionBlock: block, fusedAttention: fused, device } = params;
  const target = targetOf(device);
  const longest = longestTokens(tokens, readsOf(params));
  const limits = { tokens: defaultTokensPerRun(shape, target), pairs: pairsPerRun(params) };
  return attentionBlocks(shape, longest, {
    block,
    fused,
    target,
    pairs: longestPairsPerRun(longest, limits),
  });
}

/** The peak of training, or of the reference's scoring before it, which gives its memory back. */
async function memoryOf(plan: Plan): Promise<readonly MemoryPart[]> {
  const training = await memoryOfTraining(plan);
  const { params, shape, tokens, hasReference } = plan;
  if (hasReference || readsOf(params) === "chosen") return training;
  const { processes = 1, device, precision } = params;
  const runs = await scoredRuns(shape, tokens, {
    replies: "both",
    pairs: Math.ceil(tokens.pairs / processes),
    ...scoringParams(params),
  });
  const scoring = scoringMemory(shape, { ...runs, device: targetOf(device), precision })
    .map(({ bytes, ...part }) => ({ ...part, bytes: processes * bytes }));
  return (["gpu", "host"] as const).flatMap((where) => {
    const [first, then] = [scoring, training].map((parts) => partsOf(parts, where));
    return totalBytes(first)! > totalBytes(then)! ? first : then;
  });
}

/** Runs that score the rejected replies of a batch, where the loss does not read them; undefined for none. */
async function rejectedRuns({ params, shape, tokens }: Plan): Promise<ScoredRuns | undefined> {
  if (readsOf(params) === "both" || tokens.rejectedTokens === 0) return undefined;
  return await scoredRuns(shape, rejectedAlone(tokens), {
    replies: "chosen",
    pairs: sharedPairs(params),
    // Weights that are trained lie there in float32.
    fed: params.lora === undefined ? "float32" : params.precision,
    ...scoringParams(params),
  });
}

/** How a scorer beside training computes. */
function scoringParams(params: Params) {
  const { threads, device, precision, fusedAttention, vocabularyChunk, attentionBlock } = params;
  return { threads, device, precision, fusedAttention, vocabularyChunk, attentionBlock };
}

async function memoryOfTraining(plan: Plan): Promise<readonly MemoryPart[]> {
  const { params, shape, tokens, steps } = plan;
  const { lora: adapter, gradientCheckpointing: recomputes, precision } = params;
  const device = targetOf(params.device);
  const { processes = 1, microBatchPairs = params.batchPairs } = params;
  const batchPairs = sharedPairs(params);
  const lanes = trainingLanes({ ...params, adapter, batchPairs });
  const vocabularyChunk = chunkOf({ params, shape, tokens });
  const runs = largestRuns(tokens, readsOf(params), {
    tokens: defaultTokensPerRun(shape, device),
    pairs: Math.min(microBatchPairs, Math.ceil(batchPairs / lanes)),
    logitsPerToken: vocabularyChunk,
    hiddenSize: shape.hiddenSize,
    target: device,
  });
  // A graph is built, which takes code that no other plan needs.
  const { trainingRun } = await import("../../train/costs/foreseen_run.ts");
  const run = trainingRun(shape, {
    runs,
    adapter,
    recomputes,
    device,
    precision,
    vocabularyChunk,
    attentionBlocks: blocksOf({ params, shape, tokens }),
  });
  const gathers = checkpointsOf({ params, steps }) > 0;
  const { moments, offloadMoments } = params;
  const updateBytes = device === "cuda" ? await updateBytesOf({ params, shape }) : 0;
  const how = { run, lanes, adapter, device, precision, moments, offloadMoments, updateBytes };
  return trainingMemory(shape, { ...how, processes, gathers, scores: await rejectedRuns(plan) });
}

/** What updates hold on each GPU. Of several processes, each updates its part of a bucket at a time. */
async function updateBytesOf({ params, shape }: Pick<Plan, "params" | "shape">): Promise<number> {
  const { processes = 1, moments, offloadMoments } = params;
  const { updateMemory } = await import("../../train/costs/update_memory.ts");
  const trained = trainedWeights({ params, shape });
  const weights = processes === 1 ? trained : Math.ceil(Math.min(trained, BUCKET_SIZE) / processes);
  const sizes = parametersOf(shape).map(({ dims }) => dims.reduce((count, dim) => count * dim, 1));
  const largest = Math.min(weights, Math.max(...sizes));
  return updateMemory({ weights, largest, moments, offloadMoments });
}
