import type { Prediction, Sizes, Work } from "../../pipeline/prediction.ts";
import { adapterWeights, countWeights } from "../../train/costs/arithmetic.ts";
import { trainingMemory } from "../../train/costs/memory.ts";
import { shapeOf } from "../../train/costs/model_sizes.ts";
import { scoringWork, trainingWork } from "../../train/costs/work.ts";
import { trainingLanes } from "../../train/lanes.ts";
import type { ModelShape } from "../../train/models/parameters.ts";
import { defaultTokensPerRun, replyTokensPerRun } from "../../train/pair_packs.ts";
import type train from "../train.ts";
import { countSteps, snapshotSteps } from "../train_steps.ts";
import type { ParamsOf, PredictOf } from "./params_of.ts";
import { ASSUMED, loadingSeconds } from "./speeds.ts";
import { largestRun, meanReading, type TokenSizes, tokenSizesOf } from "./token_sizes.ts";

type Params = ParamsOf<typeof train>;

/** Training in one process: the model's shape and the tokens decide what it takes. */
const predictAlone: PredictOf<typeof train> = ({ params, inputs }) => {
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
  return { outputs, work: workOf(plan), memory: memoryOf(plan) };
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

function memoryOf({ params, shape, tokens }: Plan): Prediction["memory"] {
  const run = largestRun(tokens, readsOf(params), {
    tokens: defaultTokensPerRun(shape),
    replyTokens: replyTokensPerRun(shape.vocabSize),
  });
  const { lora: adapter, gradientCheckpointing: recomputes } = params;
  const lanes = trainingLanes({ ...params, adapter });
  return trainingMemory(shape, { run, lanes, adapter, recomputes });
}

/**
 * Training. Several processes do one's work with all their cores, and each takes as much memory as one,
 * but for the moments, of which each has a part.
 */
export const predictTraining: PredictOf<typeof train> = async (about) => {
  const { memory, ...rest } = await predictAlone(about);
  const { processes = 1 } = about.params;
  const parts = memory?.map(({ what, bytes }) => ({
    what,
    bytes: what === "moments" ? bytes : processes * bytes,
  }));
  return { ...rest, ...(parts && { memory: parts }) };
};
