import type { BatchOrder } from "../data/batches.ts";
import type { TokenizedPair } from "../data/pair.ts";
import { requirePositiveIntegers } from "../core/positive_integers.ts";
import { type Problem, refuseProblems } from "../core/problem.ts";
import { targetOf } from "./graph/target.ts";
import type { LossScaling } from "./loss_scale.ts";
import { lossName, lossReads, type TrainingLoss } from "./losses/losses.ts";
import { longestSequence, longestTokens, pairReplies, type PairScore } from "./logps.ts";
import { type Adapter, adapterProblems } from "./models/adapter.ts";
import { type AttentionBlocks, attentionBlocks } from "./models/attention_blocks.ts";
import { requireWithinWindow } from "./models/config.ts";
import { vocabularyChunkFor } from "./models/head_chunks.ts";
import type { Model } from "./models/model.ts";
import { requireInRange } from "./models/storage_dtype.ts";
import type { AdamwOptions } from "./optim/adamw.ts";
import { defaultTokensPerRun, longestPairsPerRun, type RunLimits } from "./pair_packs.ts";
import type { Ranks } from "./parallel/ranks.ts";
import type { Schedule } from "./optim/schedule.ts";
import type { MomentPrecision, Precision } from "./precision.ts";
import type { Device } from "./runtime/open_runtime.ts";
import type { StepRecord } from "./step_record.ts";
import type { StepTiming } from "./step_timing.ts";

/** All that decides a training run; equal options give equal bytes. */
export interface TrainOptions {
  /** Where training begins; not changed, unless `takesOverModel` says so. */
  readonly model: Model;
  /** When given, training begins at it and changes its weights alone; it is copied. */
  readonly adapter?: Adapter;
  /** All with rejected replies, or (demonstrations) all without. */
  readonly pairs: readonly TokenizedPair[];
  readonly loss: TrainingLoss;
  /** Log-probs of `pairs` under the reference, in their order; those of `model`, with `adapter`, unless given. */
  readonly reference?: readonly PairScore[];
  readonly schedule: Schedule;
  /** Pairs a step. */
  readonly batchPairs: number;
  /** Pairs that one run of the gradient graph holds at most; the gradient is that of the batch. */
  readonly microBatchPairs?: number;
  /** Tokens that one run holds at most, unless a single pair has more: `defaultTokensPerRun`. */
  readonly tokensPerRun?: number;
  /**
   * Entries of the vocabulary whose logits are there at once, and computed a second time for the gradient
   * if they are not all; as `vocabularyChunkOf` says unless given.
   */
  readonly vocabularyChunk?: number;
  /**
   * Queries whose attention is computed at once, and a second time for the gradient if they are not all;
   * as `defaultAttentionBlock` says of the longest prompt and reply unless given.
   */
  readonly attentionBlock?: number;
  /**
   * Whether attention is computed in one kernel, and its gradient alone in blocks; not unless given. A
   * processor's kernel holds all scores at once, a GPU's in 16 bits few.
   */
  readonly fusedAttention?: boolean;
  readonly order: BatchOrder;
  /** Decides the order of the pairs when it is shuffled. */
  readonly seed: number;
  /** Gradients are scaled down to this global L2 norm. */
  readonly maxGradNorm: number;
  readonly adamw: AdamwOptions;
  /** Whether layers are computed a second time instead of kept: less memory, more time. */
  readonly gradientCheckpointing?: boolean;
  /**
   * At step 1 and every so many steps after it, the gradient of each part of the loss is measured by
   * itself, for two more passes over the batch; never unless given. A loss with one part only needs
   * no more passes: its norms are known on every step.
   */
  readonly gradientShareSteps?: number;
  /** Whether the model's own arrays are trained, which spares a copy of them. */
  readonly takesOverModel?: boolean;
  /** Of each process. */
  readonly threads: number;
  /**
   * Processes that train together, each on a part of every batch; all are given the same options. The
   * first one alone reads and writes files. Sums come out in other last bits than in one process.
   */
  readonly ranks?: Ranks;
  /** Where the model is computed; `cpu` unless given. */
  readonly device?: Device;
  /** Whether a GPU may round operands of float32 products to TF32; it does not unless asked to. */
  readonly tf32?: boolean;
  /** What layers compute in; float32 unless given. Weights that are trained are float32 in any case. */
  readonly precision?: Precision;
  /** What AdamW's two moments are kept in: in bfloat16 they take half the memory; float32 unless given. */
  readonly moments?: MomentPrecision;
  /**
   * Whether the moments are in host memory and pass through a GPU at each update, which has room for more
   * then and takes longer; no bit of a result hangs on it. On the CPU they are there anyway.
   */
  readonly offloadMoments?: boolean;
  /** How the loss is scaled where layers compute in float16; as PyTorch does unless given. */
  readonly lossScaling?: LossScaling;
  /** Told of what a GPU was asked to compute and the processor does; without it that is refused. */
  readonly onFallback?: (message: string) => void;
  /** Where sessions note what their nodes take: the beginning of files' paths. */
  readonly profile?: string;
  /** Steps after which the weights are kept, each as the model folder `step-000040`; 0 is the start. */
  readonly snapshots?: { readonly folder: string; readonly steps: readonly number[] };
  /** Where a killed run goes on from; the newest `keep` checkpoints stay, 2 unless given. */
  readonly checkpoints?: {
    readonly folder: string;
    readonly everySteps: number;
    readonly keep?: number;
  };
  readonly signal?: AbortSignal;
  /** Told of each step as it is done; of steps before a resumed run's start it is not. */
  readonly onStep?: (record: StepRecord, timing: StepTiming) => void;
}

/**
 * Checks the options against each other.
 *
 * @throws InputError with up to 20 problems and how many more there are: pairs that cannot be trained
 * on, a reference that does not belong to them; or with a sequence longer than the model's sliding window
 * @throws InputError with weights that float16 cannot hold, where layers compute in it
 * @throws RangeError for sizes that are not positive integers, and snapshots outside the run
 */
export function checkTrainOptions(options: TrainOptions): void {
  const { schedule, checkpoints, snapshots, batchPairs, threads } = options;
  const { microBatchPairs, tokensPerRun, vocabularyChunk, gradientShareSteps } = options;
  const { attentionBlock } = options;
  requirePositiveIntegers({
    steps: schedule.steps,
    batchPairs,
    threads,
    microBatchPairs,
    tokensPerRun,
    vocabularyChunk,
    attentionBlock,
    gradientShareSteps,
    everySteps: checkpoints?.everySteps,
    keep: checkpoints?.keep,
    "lossScaling.initial": options.lossScaling?.initial,
    "lossScaling.growthInterval": options.lossScaling?.growthInterval,
  });
  const scales = { "schedule.peak": schedule.peak, "adamw.epsilon": options.adamw.epsilon };
  for (const [name, value] of Object.entries(scales)) {
    if (Math.fround(value) >= 0 && Number.isFinite(Math.fround(value))) continue;
    throw new RangeError(`Expected ${name} to be a number that float32 holds but found ${value}.`);
  }
  for (const step of snapshots?.steps ?? []) {
    if (Number.isInteger(step) && step >= 0 && step <= schedule.steps) continue;
    throw new RangeError(`Expected a snapshot's step in 0 … ${schedule.steps} but found ${step}.`);
  }
  refuseProblems([
    ...startProblems(options),
    ...pairProblems(options),
    ...referenceProblems(options),
  ]);
  if (options.precision === "float16") requireInRange(options.model.weights, "float16");
  requireWithinWindow(options.model.config, longestSequence(pairReplies(options.pairs)));
}

/** Tokens that one run of training holds at most, unless a single pair has more. */
function tokensPerRunOf({ tokensPerRun, model, device }: TrainOptions): number {
  return tokensPerRun ?? defaultTokensPerRun(model.config, targetOf(device));
}

/** What one run of training may hold. */
export function runLimitsOf(options: TrainOptions): RunLimits {
  return {
    tokens: tokensPerRunOf(options),
    pairs: options.microBatchPairs,
    logitsPerToken: vocabularyChunkOf(options),
    hiddenSize: options.model.config.hiddenSize,
    target: targetOf(options.device),
  };
}

/** Pairs that a run could hold, if tokens did not matter: all of a process's share, or a micro-batch. */
function pairsPerRun({ batchPairs, microBatchPairs = batchPairs, ranks }: TrainOptions): number {
  return Math.min(Math.ceil(batchPairs / (ranks?.size ?? 1)), microBatchPairs);
}

/** Entries of the vocabulary whose logits are there at once: all, unless the longest runs make too many. */
export function vocabularyChunkOf(options: TrainOptions): number {
  const { vocabularyChunk, model: { config: { vocabSize } }, pairs, device } = options;
  const replies = pairs.reduce(
    (most, { chosen, rejected }) => Math.max(most, chosen.length + (rejected?.length ?? 0)),
    0,
  );
  return vocabularyChunkFor(vocabularyChunk, {
    vocabSize,
    tokens: tokensPerRunOf(options),
    longest: { replies, pairs: pairsPerRun(options) },
    target: targetOf(device),
  });
}

/** The blocks that attention is computed in; undefined where one is all of it, and nothing is fused. */
export function attentionBlocksOf(options: TrainOptions): AttentionBlocks | undefined {
  const { attentionBlock: block, fusedAttention: fused, model, pairs, loss, device } = options;
  const comparesPairs = lossReads(loss) === "pairs";
  const read = pairs.map(({ rejected, ...pair }) => ({
    ...pair,
    rejected: comparesPairs ? rejected : null,
  }));
  const longest = longestTokens(pairReplies(read));
  return attentionBlocks(model.config, longest, {
    block,
    fused,
    target: targetOf(device),
    pairs: longestPairsPerRun(longest, {
      tokens: tokensPerRunOf(options),
      pairs: pairsPerRun(options),
    }),
  });
}

function startProblems({ adapter, model }: TrainOptions): Problem[] {
  if (adapter === undefined) return [];
  const problems = adapterProblems(adapter, model.config);
  const { dropout } = adapter.config;
  if (dropout === 0) return problems;
  const message = `Expected 0 in training but found ${dropout}: dropout is not implemented.`;
  return [{ path: "adapter: lora_dropout", message }, ...problems];
}

function pairProblems({ pairs, loss, model }: TrainOptions): Problem[] {
  if (pairs.length === 0) return [{ path: "pairs", message: "Expected at least one pair." }];
  const paired = pairs[0].rejected !== null;
  const comparesPairs = lossReads(loss) === "pairs";
  return pairs.flatMap(({ id, prompt, chosen, rejected }) => {
    const problems: Problem[] = [];
    const report = (message: string) => problems.push({ path: `pair ${id}`, message });
    if (rejected === null && comparesPairs) {
      report(`Expected a rejected reply, which ${lossName(loss)} compares with, but found none.`);
    } else if ((rejected !== null) !== paired) {
      report("Expected all pairs to have a rejected reply, or none.");
    }
    for (const [part, ids] of Object.entries({ prompt, chosen, rejected })) {
      if (ids === null) continue;
      if (ids.length === 0) report(`Expected ${part} to have tokens but found none.`);
      const foreign = ids.find((id) => id < 0 || id >= model.config.vocabSize);
      if (foreign === undefined) continue;
      const range = `0 … ${model.config.vocabSize - 1}`;
      report(`Expected token ids of ${part} in ${range}, the model's, but found ${foreign}.`);
    }
    return problems;
  });
}

function referenceProblems({ pairs, reference }: TrainOptions): Problem[] {
  if (reference === undefined) return [];
  if (reference.length !== pairs.length) {
    const message = `Expected ${pairs.length} rows, one a pair, but found ${reference.length}.`;
    return [{ path: "reference logps", message }];
  }
  return reference.flatMap((row, i): Problem[] => {
    const path = `reference logps: row ${i + 1}`;
    const { id, chosen, rejected } = pairs[i];
    if (row.id !== id) return [{ path, message: `Expected pair ${id} but found ${row.id}.` }];
    const lengths = [chosen.length, rejected?.length ?? null];
    const found = [row.chosenTokens, row.rejectedTokens];
    if (lengths.join() === found.join()) return [];
    const message = `Expected pair ${id} of ${lengths.join(" and ")} tokens but found ${
      found.join(" and ")
    }: the reference read other tokens.`;
    return [{ path, message }];
  });
}
