/** Measures RPO steps of Ballast on a GPU: calls `trainModel` as anybody would, with random weights. */
import { printVerbatim } from "../../cli/output.ts";
import { Random } from "../../core/random.ts";
import type { TokenizedPair } from "../../data/pair.ts";
import { RotaryAngles } from "../../train/models/rotary_angles.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { targetOf } from "../../train/graph/target.ts";
import { holdsRests } from "../../train/pack_plan.ts";
import { pairFeeds } from "../../train/pair_packs.ts";
import { deviceMemory } from "../../train/runtime/cuda/device_memory.ts";
import { attentionBlocksOf, type TrainOptions } from "../../train/train_options.ts";
import { trainModel } from "../../train/trainer.ts";
import { rpoOptions, scoreOf } from "../training/rpo_options.ts";
import type { CudaJob, CudaResult } from "./cuda_job.ts";
import { randomModel } from "./random_model.ts";
import { configOf } from "./shapes.ts";
import { operationsOf } from "./work_of_job.ts";

/** The job as options of `trainModel`. */
function trainOptions(job: CudaJob): TrainOptions {
  const config = configOf(job.shape);
  const steps = job.warmupSteps + job.steps;
  const pairs = randomPairs(job, steps * job.batchPairs, config.vocabSize);
  const perToken = -Math.log(config.vocabSize);
  const adapter = job.lora === null
    ? undefined
    : newAdapter({ rank: job.lora }, { model: config, seed: 0 });
  return {
    ...rpoOptions(steps),
    model: randomModel(config, adapter ? job.precision : "float32"),
    adapter,
    pairs,
    reference: pairs.map((pair) => scoreOf(pair, perToken)),
    batchPairs: job.batchPairs,
    threads: 1,
    device: job.device,
    precision: job.precision,
    tf32: job.tf32,
    fusedAttention: job.fusedAttention,
    profile: job.profile,
    tokensPerRun: job.tokensPerRun,
    gradientCheckpointing: job.gradientCheckpointing,
  };
}

function randomPairs(
  { promptTokens, replyTokens }: CudaJob,
  count: number,
  vocabSize: number,
): TokenizedPair[] {
  const random = Random.seeded(0, "bench", "cuda");
  const ids = (size: number) => Int32Array.from({ length: size }, () => random.integer(vocabSize));
  return Array.from({ length: count }, (_, i) => ({
    id: String(i),
    prompt: ids(promptTokens),
    chosen: ids(replyTokens),
    rejected: ids(replyTokens),
  }));
}

/** Bytes of a step's batch as the gradient graph is fed it, were it one run. */
function fedBytes(options: TrainOptions): number {
  const { model, pairs, reference, batchPairs } = options;
  const batch = { pairs: pairs.slice(0, batchPairs), reference: reference!.slice(0, batchPairs) };
  const feeds = pairFeeds(batch, {
    config: model.config,
    angles: new RotaryAngles(model.config),
    comparesPairs: true,
    rests: holdsRests(model.config, targetOf(job.device)),
    blocks: attentionBlocksOf(options),
    pairs: batchPairs,
    meanChosenTokens: job.replyTokens,
  });
  return Object.values(feeds).reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** Bytes in use on the device; on the processor nobody asks. */
function usedBytes({ device }: CudaJob): number {
  if (device === "cpu") return 0;
  const { free, total } = deviceMemory(device);
  return total - free;
}

const job: CudaJob = JSON.parse(Deno.args[0]);
const options = trainOptions(job);
const ends: number[] = [];
let deviceBytes = 0;
const fallbacks: string[] = [];
const { steps } = await trainModel({
  ...options,
  onFallback: (message) => fallbacks.push(message),
  onStep: ({ step }) => {
    ends.push(performance.now());
    if (step === options.schedule.steps) deviceBytes = usedBytes(job);
  },
});
const result: CudaResult = {
  seconds: ends.slice(job.warmupSteps).map((end, i) =>
    (end - ends[job.warmupSteps + i - 1]) / 1000
  ),
  losses: steps.map(({ loss }) => loss),
  firstStep: ends[0] / 1000,
  deviceBytes,
  operations: operationsOf(job, options.model.config, options.adapter?.config),
  fedBytes: fedBytes(options),
  fallbacks,
};
printVerbatim(`RESULT ${JSON.stringify(result)}`);
