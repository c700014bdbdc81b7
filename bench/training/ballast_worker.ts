/**
 * Measures RPO steps of Ballast: a process of its own that calls `trainModel` as anybody would, and
 * notes when each step is done.
 */
import { printVerbatim } from "../../cli/output.ts";
import { loadModel } from "../../train/models/model.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { trainModel } from "../../train/trainer.ts";
import type { TrainOptions } from "../../train/train_options.ts";
import { peakBytes } from "../peak_bytes.ts";
import { readBenchPairs } from "./bench_pairs.ts";
import { formatResult, type Job } from "./job.ts";
import { rpoOptions, trainingPairs } from "./rpo_options.ts";

/** The job as options of `trainModel`, the reference given. */
async function trainOptions(job: Job): Promise<TrainOptions> {
  const steps = job.warmupSteps + job.steps;
  const rows = (await readBenchPairs(job.pairs)).slice(0, steps * job.batchPairs);
  const model = await loadModel(job.model);
  return {
    ...rpoOptions(steps, job),
    ...trainingPairs(rows),
    model,
    batchPairs: job.batchPairs,
    threads: job.threads,
    adapter: job.lora === null ? undefined : newAdapter(job.lora, { model: model.config, seed: 0 }),
  };
}

const job: Job = JSON.parse(Deno.args[0]);
const stepEnds: number[] = [];
const options = await trainOptions(job);
const { steps } = await trainModel({
  ...options,
  onStep: () => stepEnds.push(performance.timeOrigin + performance.now()),
});
printVerbatim(formatResult({
  stepEnds,
  losses: steps.map(({ loss }) => loss),
  peakBytes: await peakBytes(),
}));
