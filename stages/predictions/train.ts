import type { MemoryPart, Prediction, Sizes, Work } from "../../pipeline/prediction.ts";
import { adapterWeights, countWeights } from "../../train/costs/arithmetic.ts";
import { trainingMemory } from "../../train/costs/memory.ts";
import { shapeOf } from "../../train/costs/model_sizes.ts";
import { scoringWork, trainingWork } from "../../train/costs/work.ts";
import { targetOf } from "../../train/graph/target.ts";
import { trainingLanes } from "../../train/lanes.ts";
import { defaultVocabularyChunk } from "../../train/models/head_chunks.ts";
import type { ModelShape } from "../../train/models/parameters.ts";
import { defaultTokensPerRun, replyTokensPerRun } from "../../train/pair_packs.ts";
import type train from "../train.ts";
import { countSteps, snapshotSteps } from "../train_steps.ts";
import type { ParamsOf, PredictOf } from "./params_of.ts";
import { ASSUMED, loadingSeconds } from "./speeds.ts";
import { largestRuns, meanReading, type TokenSizes, tokenSizesOf } from "./token_sizes.ts";

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
  return { outputs, work: workOf(plan), ...(isDone ? {} : { memory: await memoryOf(plan) }) };
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
  // Of a loss with two parts, each part's gradient is measured by itself now and then.
  const hasParts = params.loss === "rpo" || params.loss === "custom";
  const apart = hasParts ? 2 * Math.ceil(steps / params.gradientShareSteps) : 0;
  const runTokens = defaultTokensPerRun(shape);
  const training = trainingWork(shape, reading, {
    pairs,
    steps,
    runs: steps * runsOf(params, reading.tokens, runTokens),
    passes: 1 + apart / steps,
    adapter,
    recomputes,
    repeatsLogits: chunkOf({ params, shape, tokens }) < shape.vocabSize,
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
    perSecond: ASSUMED.operations,
    startSeconds: startOf({ params, shape, steps }),
    like: adapter === undefined ? "all weights" : "adapter",
    scale: countWeights(shape).all,
  };
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
  const trained = params.lora ? adapterWeights(params.lora, shape) : all;
  const checkpoints = Math.ceil(steps / params.checkpointSteps) - 1;
  const snapshots = snapshotSteps(params.snapshots, steps).length;
  return loadingSeconds({
    loadedBytes: 4 * all,
    writtenBytes: 4 * (all + snapshots * all + checkpoints * 3 * trained),
  });
}

/** Entries of the vocabulary whose logits are there at once. */
function chunkOf({ params, shape, tokens }: Pick<Plan, "params" | "shape" | "tokens">): number {
  const { vocabSize } = shape;
  if (params.vocabularyChunk !== undefined) return Math.min(vocabSize, params.vocabularyChunk);
  const target = targetOf(params.device);
  return defaultVocabularyChunk({
    vocabSize,
    tokens: defaultTokensPerRun(shape, target),
    longest: {
      replies: tokens.longestReplies,
      pairs: Math.min(params.batchPairs, params.microBatchPairs ?? params.batchPairs),
    },
    target,
  });
}

async function memoryOf({ params, shape, tokens }: Plan): Promise<Prediction["memory"]> {
  const { lora: adapter, gradientCheckpointing: recomputes, precision, moments, offloadMoments } =
    params;
  const device = targetOf(params.device);
  const { processes = 1, microBatchPairs = params.batchPairs } = params;
  const batchPairs = Math.ceil(params.batchPairs / processes); // of each process
  const lanes = trainingLanes({ ...params, adapter, batchPairs });
  const limits = {
    tokens: defaultTokensPerRun(shape, device),
    pairs: Math.min(microBatchPairs, Math.ceil(batchPairs / lanes)),
  };
  const vocabularyChunk = chunkOf({ params, shape, tokens });
  const replyTokens = replyTokensPerRun(vocabularyChunk, device);
  const runs = largestRuns(tokens, readsOf(params), { ...limits, replyTokens });
  // A graph is built, which takes code that no other plan needs.
  const { trainingRun } = await import("../../train/costs/foreseen_run.ts");
  const run = trainingRun(shape, {
    runs,
    adapter,
    recomputes,
    device,
    precision,
    vocabularyChunk,
  });
  const parts = trainingMemory(shape, {
    run,
    lanes,
    adapter,
    device,
    precision,
    moments,
    offloadMoments,
  });
  // Each of several processes takes as much, but for the moments, of which it has a part.
  const isDivided = ({ what }: MemoryPart) => what === "moments";
  return parts.map((part) => isDivided(part) ? part : { ...part, bytes: processes * part.bytes });
}
