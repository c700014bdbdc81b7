/** One of the processes that train together; the first one prints what the steps took. */
import { printVerbatim } from "../../cli/output.ts";
import { initializeModel } from "../../train/models/model.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { inRanks } from "../../train/parallel/in_ranks.ts";
import { trainModel } from "../../train/trainer.ts";
import { peakBytes } from "../peak_bytes.ts";
import { equalPairs } from "../training/bench_pairs.ts";
import { rpoOptions, trainingPairs } from "../training/rpo_options.ts";
import { configOf, SMALL, SMOLLM2_135M } from "../training/shapes.ts";
import type { MpiFigures, MpiJob } from "./job.ts";

const SHAPES = { "135m": SMOLLM2_135M, small: SMALL };

const job: MpiJob = JSON.parse(Deno.args[0]);
const config = configOf(SHAPES[job.model]);
const steps = job.warmupSteps + job.steps;
const rows = equalPairs(job.length, { count: job.batchPairs * steps, config });
const ends: number[] = [];

const options = {
  ...rpoOptions(steps),
  ...trainingPairs(rows),
  model: initializeModel(config, 1),
  batchPairs: job.batchPairs,
  threads: job.threads,
  adapter: job.lora === null
    ? undefined
    : newAdapter({ rank: job.lora }, { model: config, seed: 0 }),
  onStep: () => ends.push(performance.now()),
};

const figures = await inRanks(job.processes, async (ranks): Promise<MpiFigures> => {
  const { steps } = await trainModel({ ...options, ranks });
  const peak = Float64Array.of(await peakBytes());
  const peaks = ranks === undefined ? [peak] : await ranks.collect(peak);
  return {
    seconds: ends.slice(job.warmupSteps).map((end, i) =>
      (end - ends[job.warmupSteps - 1 + i]) / 1000
    ),
    peakBytes: peaks.map(([bytes]) => bytes),
    loss: steps.at(-1)!.loss,
  };
});
if (figures !== null) printVerbatim(JSON.stringify(figures));
