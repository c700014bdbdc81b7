import { setImmediate as nextTurn } from "node:timers/promises";
import { batchRows } from "../data/batches.ts";
import { CheckpointFolder } from "./checkpoint.ts";
import { longestTokens, openScorer, type PairScore, type Scorer } from "./logps.ts";
import {
  lossBeta,
  lossParts,
  lossReads,
  lossReadsReference,
  type TrainingLoss,
} from "./losses/losses.ts";
import { targetOf } from "./graph/target.ts";
import { type AdaptedModel, type Adapter, saveAdapter } from "./models/adapter.ts";
import type { AttentionBlocks } from "./models/attention_blocks.ts";
import { type Model, saveModel } from "./models/model.ts";
import { shareOut, trainingLanes } from "./lanes.ts";
import { LossScale } from "./loss_scale.ts";
import { RotaryAngles } from "./models/rotary_angles.ts";
import { firstRanks, isAnyAsked, meet, StoppedTogether } from "./parallel/ranks.ts";
import { returnFreedMemory } from "./runtime/host_memory.ts";
import { openRuntime, type Runtime } from "./runtime/open_runtime.ts";
import { learningRate } from "./optim/schedule.ts";
import { divideIntoRuns, type PairBatch, pairFeeds, type RunLimits, sizeOf } from "./pair_packs.ts";
import { holdsRests } from "./pack_plan.ts";
import { requireFinite, requireFiniteState } from "./require_finite.ts";
import { runDigest } from "./run_digest.ts";
import { requireTakenStep } from "./skipped_steps.ts";
import { SnapshotFolder } from "./snapshots.ts";
import { type PartNorms, stepRecord } from "./step_metrics.ts";
import type { StepRecord } from "./step_record.ts";
import { startTiming } from "./step_timing.ts";
import {
  attentionBlocksOf,
  checkTrainOptions,
  runLimitsOf,
  type TrainOptions,
  vocabularyChunkOf,
} from "./train_options.ts";
import { weightParts, withTrained } from "./trained_weights.ts";
import { type BatchPart, initialState, type PartWeights, TrainingStep } from "./training_step.ts";

/** What training gives. */
export interface TrainedModel {
  /** Where an adapter was trained, the one it was trained on. */
  readonly model: Model;
  /** Present where one was trained. */
  readonly adapter?: Adapter;
  /** Which runtime computed it, for people: `Runtime.description`. */
  readonly runtime: string;
  /** One a step, those before a resumption included. */
  readonly steps: readonly StepRecord[];
}

/**
 * Trains a model, or an adapter to it, on preference pairs, or on demonstrations (loss `sft`).
 *
 * The same options give the same bytes, also when the run was stopped at any step and goes on from
 * its checkpoints. Where several processes train together, all get the same bytes.
 *
 * @throws InputError for pairs or a reference that cannot be trained on
 * @throws ExpectedError when a loss, a gradient or what an update made is no longer finite: training
 * stops at that step, and the last checkpoint before it stays; and when a run in float16 skipped all its
 * steps
 * @throws the signal's reason when it is aborted; the state reached is kept as a checkpoint
 */
export async function trainModel(options: TrainOptions): Promise<TrainedModel> {
  checkTrainOptions(options);
  // What is computed a second time is to take the place of what was freed.
  const attentionBlocks = attentionBlocksOf(options);
  if (options.gradientCheckpointing || attentionBlocks !== undefined) returnFreedMemory();
  const { model, adapter } = options;
  const start: AdaptedModel = { ...model, adapter };
  const reference = await referenceLogps(options);
  const { runtime, lanes } = await openTrainingRuntime(options);
  const { folder, kept } = openFolders(options, {
    version: runtime.version,
    saveInto: async (folder) => saveTrained(await policyOf(step, start), folder),
  });
  // The one is given back, should the other not open.
  await using opened = new AsyncDisposableStack();
  const training = await openTraining(options, { runtime, folder, kept, lanes, attentionBlocks });
  const { step } = training;
  opened.defer(() => step.release());
  const scorer = await openRejectedScorer(options, step);
  opened.defer(() => scorer?.release());
  await runSteps(options, { ...training, scorer, reference, folder, kept });
  const policy = separate(await policyOf(step, start));
  return { ...policy, runtime: runtime.description, steps: training.records };
}

/** What training's sessions compute with, and how many runs they have under way at once. */
async function openTrainingRuntime(
  options: TrainOptions,
): Promise<{ readonly runtime: Runtime; readonly lanes: number }> {
  const batchPairs = Math.ceil(options.batchPairs / (options.ranks?.size ?? 1));
  const lanes = trainingLanes({ ...options, batchPairs });
  // A session's runs share what threads it has beyond the one that each run brings.
  const threads = options.threads - lanes + 1;
  return { runtime: await openRuntime({ ...options, threads, trains: true }), lanes };
}

/**
 * Training where its newest checkpoint left it, else at its start. From then on nobody holds the state that
 * was read, twelve bytes a weight, of which a GPU has a copy.
 */
async function openTraining(
  options: TrainOptions,
  { runtime, folder, kept, lanes, attentionBlocks }: Pick<Run, "folder" | "kept"> & {
    readonly runtime: Runtime;
    readonly lanes: number;
    readonly attentionBlocks?: AttentionBlocks;
  },
): Promise<Pick<Run, "step" | "records" | "lossScale">> {
  const { model, adapter, ranks } = options;
  const { trained, frozen } = weightParts({ ...model, adapter });
  const resumed = await folder?.open(async (step) => !kept || await kept.holds(step)) ?? null;
  const recorded = [...resumed?.records ?? []];
  const records = ranks === undefined ? recorded : await firstRanks(ranks, recorded);
  const lossScale = lossScaleAfter(records, options);
  const takesOver = adapter === undefined && options.takesOverModel;
  const state = resumed?.state ??
    initialState(trained, { takesOver, moments: ranks === undefined ? options.moments : "none" });
  const step = await TrainingStep.open(runtime, state, {
    ...options,
    config: model.config,
    adapter: adapter?.config,
    frozen,
    lanes,
    lossScale,
    rests: holdsRests(model.config, targetOf(options.device)),
    vocabularyChunk: vocabularyChunkOf(options),
    attentionBlocks,
  });
  return { step, records, lossScale };
}

/** Of layers in float16 the scale that steps have led to. */
function lossScaleAfter(
  records: readonly StepRecord[],
  { precision, lossScaling }: TrainOptions,
): LossScale | undefined {
  return precision === "float16" ? LossScale.after(records, lossScaling) : undefined;
}

/** Where checkpoints and snapshots are kept: of several processes by the first one alone. */
function openFolders(
  options: TrainOptions,
  { version, saveInto }: {
    /** Of ONNX Runtime. */
    readonly version: string;
    /** Writes the model as far as it is trained. */
    readonly saveInto: (folder: string) => Promise<void>;
  },
): Pick<Run, "folder" | "kept"> {
  const { checkpoints, snapshots, ranks } = options;
  if (ranks !== undefined && ranks.rank > 0) return { folder: null, kept: null };
  return {
    folder: checkpoints
      ? new CheckpointFolder(checkpoints.folder, runDigest(options, version), {
        keep: checkpoints.keep,
        processes: ranks?.size,
      })
      : null,
    kept: snapshots ? new SnapshotFolder(snapshots, saveInto) : null,
  };
}

/** A model and the adapter to it, if it has one, side by side. */
function separate({ adapter, ...model }: AdaptedModel): Pick<TrainedModel, "model" | "adapter"> {
  return { model, ...(adapter && { adapter }) };
}

/** The model as far as it is trained: on the CPU live arrays. */
async function policyOf(step: TrainingStep, start: AdaptedModel): Promise<AdaptedModel> {
  return withTrained(start, await step.weights());
}

/** Writes what was trained: a Hugging Face folder, or PEFT's of an adapter. */
async function saveTrained({ adapter, ...model }: AdaptedModel, folder: string): Promise<void> {
  await (adapter === undefined ? saveModel(model, folder) : saveAdapter(adapter, folder));
}

interface Run {
  readonly step: TrainingStep;
  readonly scorer: Scorer | null;
  readonly reference: readonly PairScore[] | null;
  /** Null where nothing is kept, and in all processes but the first. */
  readonly folder: CheckpointFolder | null;
  readonly kept: SnapshotFolder | null;
  readonly records: StepRecord[];
  /** Where layers compute in float16. */
  readonly lossScale: LossScale | undefined;
}

async function runSteps(options: TrainOptions, run: Run): Promise<void> {
  const { schedule, checkpoints, snapshots, signal, ranks, onStep } = options;
  const { kept, records } = run;
  const takeStep = stepTaker(options, run);
  await kept?.save(records.length);
  while (records.length < schedule.steps) {
    // Some runs block the thread: without a turn of the event loop no abort would ever arrive.
    await nextTurn();
    if (ranks ? await isAnyAsked(ranks, signal) : signal?.aborted) {
      if (checkpoints && records.length > 0) await keepState(run, { checkpoint: true });
      if (ranks === undefined) signal!.throwIfAborted();
      else await meet(ranks); // nobody leaves before the first has written
      throw new StoppedTogether(`Training was stopped after step ${records.length}.`);
    }
    const timed = startTiming();
    const record = await takeStep(records.length + 1);
    records.push(record);
    onStep?.(record, timed(record));
    const last = record.step === schedule.steps;
    if (last) requireTakenStep(records);
    const due = checkpoints !== undefined && record.step % checkpoints.everySteps === 0;
    const snapshot = snapshots?.steps.includes(record.step) ?? false;
    if (last || due || snapshot) await keepState(run, { snapshot, checkpoint: due && !last });
  }
  await kept?.finish();
}

/**
 * Looks whether what the steps have come to is finite, and keeps it, in the first process alone; all
 * must call it, since each may have a part.
 */
async function keepState(
  { step, folder, kept, records }: Run,
  { snapshot = false, checkpoint }: { readonly snapshot?: boolean; readonly checkpoint: boolean },
): Promise<void> {
  const state = await step.state({ gathers: checkpoint });
  if (state === null) return;
  const record = records.at(-1)!;
  requireFiniteState(state, { record, checkpoint: folder?.newest ?? null });
  if (snapshot) await kept?.save(record.step);
  if (checkpoint) await folder?.save(state, records);
}

/** Takes one step and gives its record. */
function stepTaker(options: TrainOptions, run: Run): (number: number) => Promise<StepRecord> {
  const { model, pairs, loss, schedule, ranks } = options;
  const angles = new RotaryAngles(model.config);
  const plan = { ...options, count: pairs.length, batchSize: options.batchPairs };
  const { lanes } = run.step;
  const limits = runLimitsOf(options);
  const blocks = attentionBlocksOf(options);
  const layOutBatch = (number: number) => {
    const rows = batchRows(plan, number);
    const batch: PairBatch = {
      pairs: rows.map((row) => pairs[row]),
      reference: run.reference && rows.map((row) => run.reference![row]),
    };
    return { number, batch, parts: partsOf(batch, { ...options, angles, limits, lanes, blocks }) };
  };
  let laidOut: ReturnType<typeof layOutBatch> | null = null;
  return async (number) => {
    const { batch, parts } = laidOut?.number === number ? laidOut : layOutBatch(number);
    const measured = await partNorms(number, { options, step: run.step, parts });
    const running = run.step.gather(parts, undefined, batch.pairs.length);
    // While a run is under way this thread has nothing else to do.
    if (number < schedule.steps) laidOut = layOutBatch(number + 1);
    const gradient = await running;
    const rejected = batch.pairs.map(({ prompt, rejected }) => ({ prompt, reply: rejected! }));
    const policyRejected = gradient.policyRejected ??
      await run.scorer?.logps(rejected, { ranks }) ?? null;
    const lr = learningRate(schedule, number);
    const norms = measured ?? soleNorms(loss, gradient.gradNorm);
    const outputs = { ...gradient, policyRejected, partNorms: norms };
    const beta = lossBeta(loss);
    const { lossScale } = run;
    const record = stepRecord({ step: number, lr, ...batch, outputs, beta, lossScale });
    const checkpoint = run.folder?.newest ?? null;
    const weights = () => run.step.weights();
    await requireFinite(record, { ...batch, outputs, weights, checkpoint });
    await run.step.update(gradient.gradNorm, lr);
    return record;
  };
}

/** This process's share of the batch in parts, each as much as one run holds. */
function partsOf(
  { pairs, reference }: PairBatch,
  options: TrainOptions & {
    readonly angles: RotaryAngles;
    readonly limits: RunLimits;
    readonly lanes: number;
    readonly blocks?: AttentionBlocks;
  },
): BatchPart[] {
  const { model: { config }, angles, limits, lanes, blocks, loss } = options;
  const comparesPairs = lossReads(loss) === "pairs";
  const facts = {
    config,
    angles,
    comparesPairs,
    rests: holdsRests(config, limits.target),
    blocks,
    pairs: pairs.length,
    meanChosenTokens: pairs.reduce((sum, { chosen }) => sum + chosen.length, 0) / pairs.length,
  };
  const sizes = pairs.map(({ prompt, chosen, rejected }) =>
    sizeOf({ prompt, replies: comparesPairs ? [chosen, rejected!] : [chosen] })
  );
  const tokens = sizes.map(({ tokens }) => tokens);
  const { rank, size } = options.ranks ?? { rank: 0, size: 1 };
  const own = shareOut(tokens, size)[rank].toSorted((a, b) => a - b);
  const shares = shareOut(own.map((row) => tokens[row]), lanes)
    .map((share) => share.map((place) => own[place]));
  return shares.flatMap((share, lane) =>
    divideIntoRuns(share.map((row) => sizes[row]), limits).map((places) => {
      const rows = places.map((place) => share[place]);
      const part = {
        pairs: rows.map((row) => pairs[row]),
        reference: reference && rows.map((row) => reference[row]),
      };
      return { rows, lane, feeds: pairFeeds(part, facts) };
    })
  );
}

/**
 * The gradient norms of the two parts of the loss, each by itself; null on steps at which they are
 * not asked for, and where the loss has only one part.
 */
async function partNorms(
  number: number,
  { options, step, parts }: {
    readonly options: TrainOptions;
    readonly step: TrainingStep;
    readonly parts: readonly BatchPart[];
  },
): Promise<PartNorms | null> {
  const { gradientShareSteps: every } = options;
  if (every === undefined || (number - 1) % every !== 0) return null;
  if (lossParts(options.loss) !== "both") return null;
  const normOf = async (weights: PartWeights) => {
    const { gradNorm } = await step.gather(parts, weights, options.batchPairs);
    step.discard();
    return gradNorm;
  };
  return {
    preference: await normOf({ preferenceWeight: 1, regulariserWeight: 0 }),
    regulariser: await normOf({ preferenceWeight: 0, regulariserWeight: 1 }),
  };
}

/** Of a loss with one part, whose gradient is the whole one; null for a loss with two. */
function soleNorms(loss: TrainingLoss, gradNorm: number): PartNorms | null {
  const parts = lossParts(loss);
  if (parts === "both") return null;
  return { preference: 0, regulariser: 0, [parts]: gradNorm };
}

/** Log-probs of rejected replies under the policy as it is, for a loss that does not read them. */
async function openRejectedScorer(
  options: TrainOptions,
  step: TrainingStep,
): Promise<Scorer | null> {
  const { model, adapter, pairs, loss } = options;
  if (lossReads(loss) === "pairs" || pairs[0].rejected === null) return null;
  const placed = step.placedWeights();
  const rejected = pairs.map(({ prompt, rejected }) => ({ prompt, reply: rejected! }));
  // Each step asks for those of a batch: of all pairs' longest, so that one session does.
  const most = { longest: longestTokens(rejected), sequences: options.batchPairs };
  return await openScorer(await policyOf(step, { ...model, adapter }), {
    ...options,
    placed,
    most,
  });
}

/**
 * The log-probs under the reference: the rows given, else, for a loss that reads them, those of the
 * model before training, its adapter's included.
 */
async function referenceLogps(options: TrainOptions): Promise<readonly PairScore[] | null> {
  const { loss, reference, model, adapter, pairs, signal, ranks } = options;
  if (lossReads(loss) !== "pairs") return null;
  if (reference !== undefined) return reference;
  if (!lossReadsReference(loss)) return null;
  const scorer = await openScorer({ ...model, adapter }, options);
  try {
    return await scorer.scorePairs(pairs, { signal, ranks });
  } finally {
    await scorer.release();
  }
}
