import { setImmediate as nextTurn } from "node:timers/promises";
import { batchRows } from "../data/batches.ts";
import { ExpectedError } from "../core/problem.ts";
import { CheckpointFolder } from "./checkpoint.ts";
import { openScorer, type PairScore } from "./logps.ts";
import { lossBeta, lossReads } from "./losses/losses.ts";
import type { Model } from "./models/model.ts";
import { RotaryAngles } from "./models/rotary_angles.ts";
import { learningRate } from "./optim/schedule.ts";
import { pairFeeds } from "./pair_batches.ts";
import { runDigest } from "./run_digest.ts";
import { SnapshotFolder } from "./snapshots.ts";
import { stepRecord } from "./step_metrics.ts";
import type { StepRecord } from "./step_record.ts";
import { checkTrainOptions, type TrainOptions } from "./train_options.ts";
import { initialState, TrainingStep } from "./training_step.ts";

/** What training gives. */
export interface TrainedModel {
  readonly model: Model;
  /** One a step, those before a resumption included. */
  readonly steps: readonly StepRecord[];
}

/**
 * Trains a model on preference pairs, or on demonstrations (loss `sft`).
 *
 * The same options give the same bytes, also when the run was stopped at any step and goes on from
 * its checkpoints.
 *
 * @throws InputError for pairs or a reference that cannot be trained on
 * @throws ExpectedError when a loss or a gradient is no longer finite: training stops at that step,
 * and the last checkpoint before it stays
 * @throws the signal's reason when it is aborted; the state reached is kept as a checkpoint
 */
export async function trainModel(options: TrainOptions): Promise<TrainedModel> {
  checkTrainOptions(options);
  const { model, checkpoints, snapshots } = options;
  const reference = await referenceLogps(options);
  const folder = checkpoints && new CheckpointFolder(checkpoints.folder, runDigest(options));
  const kept = snapshots && new SnapshotFolder(snapshots, model.config);
  const resumed = await folder?.open(async (step) => await kept?.holds(step) ?? true) ?? null;
  const state = resumed?.state ?? initialState(model.weights);
  const step = await TrainingStep.open(
    {
      config: model.config,
      loss: options.loss,
      paired: options.pairs[0].rejected !== null,
      maxGradNorm: options.maxGradNorm,
      adamw: options.adamw,
    },
    state,
    options,
  );
  const records = [...resumed?.records ?? []];
  try {
    await runSteps(options, { step, reference, folder, kept, records });
    return { model: { config: model.config, weights: step.state().weights }, steps: records };
  } finally {
    await step.release();
  }
}

interface Run {
  readonly step: TrainingStep;
  readonly reference: readonly PairScore[] | null;
  readonly folder: CheckpointFolder | undefined;
  readonly kept: SnapshotFolder | undefined;
  readonly records: StepRecord[];
}

async function runSteps(options: TrainOptions, run: Run): Promise<void> {
  const { schedule, checkpoints, signal, onStep } = options;
  const { step, folder, kept, records } = run;
  const takeStep = stepTaker(options, run);
  await kept?.save(records.length, () => step.state().weights);
  while (records.length < schedule.steps) {
    // A run blocks the thread: without a turn of the event loop no abort would ever arrive.
    await nextTurn();
    if (signal?.aborted) {
      if (records.length > 0) await folder?.save(step.state(), records);
      signal.throwIfAborted();
    }
    const record = await takeStep(records.length + 1);
    records.push(record);
    onStep?.(record);
    await kept?.save(record.step, () => step.state().weights);
    const due = folder && record.step % checkpoints!.everySteps === 0;
    if (due && record.step < schedule.steps) await folder.save(step.state(), records);
  }
  await kept?.finish();
}

/** Takes one step and gives its record. */
function stepTaker(
  { model, pairs, loss, schedule, ...options }: TrainOptions,
  { step, reference }: Run,
): (number: number) => Promise<StepRecord> {
  const angles = new RotaryAngles(model.config);
  const plan = { ...options, count: pairs.length, batchSize: options.batchPairs };
  const beta = lossBeta(loss);
  return async (number) => {
    const rows = batchRows(plan, number);
    const batch = {
      pairs: rows.map((row) => pairs[row]),
      reference: reference && rows.map((row) => reference[row]),
    };
    const lr = learningRate(schedule, number);
    const outputs = await step.run(pairFeeds(batch, angles), lr);
    const record = stepRecord({ step: number, lr, outputs, reference: batch.reference, beta });
    requireFinite(record, batch.pairs);
    return record;
  };
}

/** Past this point every number would be NaN; what led there is still worth reading. */
function requireFinite(record: StepRecord, pairs: readonly { readonly id: string }[]): void {
  const wrong = Object.entries(record).filter(([, value]) =>
    value !== null && !Number.isFinite(value)
  );
  if (wrong.length === 0) return;
  const found = wrong.map(([name, value]) => `${name} ${value}`).join(", ");
  const ids = pairs.slice(0, 3).map(({ id }) => id).join(", ");
  throw new ExpectedError(
    `Training stopped at step ${record.step}: ${found} (learning rate ${record.lr}, pairs ${ids}` +
      `${pairs.length > 3 ? ", …" : ""}). A lower learning rate or more warm-up usually helps.`,
  );
}

/** What the loss compares with: the rows given, else the model's own log-probs before training. */
async function referenceLogps(options: TrainOptions): Promise<readonly PairScore[] | null> {
  const { loss, reference, model, pairs, threads, signal } = options;
  if (lossReads(loss) !== "pairs") return null;
  if (reference !== undefined) return reference;
  const scorer = await openScorer(model, { threads });
  try {
    return await scorer.scorePairs(pairs, { signal });
  } finally {
    await scorer.release();
  }
}
