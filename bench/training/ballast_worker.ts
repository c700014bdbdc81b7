/**
 * Measures RPO steps of Ballast: a process of its own that calls `trainModel` as anybody would, and
 * notes when each step is done.
 */
import { printVerbatim } from "../../cli/output.ts";
import { loadModel } from "../../train/models/model.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { trainModel } from "../../train/trainer.ts";
import type { TrainOptions } from "../../train/train_options.ts";
import { readBenchPairs } from "./bench_pairs.ts";
import { formatResult, type Job } from "./job.ts";

/** The job as options of `trainModel`: no checkpoints, no snapshots, the reference given. */
async function trainOptions(job: Job): Promise<TrainOptions> {
  const steps = job.warmupSteps + job.steps;
  const rows = (await readBenchPairs(job.pairs)).slice(0, steps * job.batchPairs);
  const pairs = rows.map(({ prompt, chosen, rejected }, i) => ({
    id: String(i),
    prompt: Int32Array.from(prompt),
    chosen: Int32Array.from(chosen),
    rejected: Int32Array.from(rejected),
  }));
  const reference = rows.map(({ chosen, rejected, reference }, i) => ({
    id: String(i),
    chosenLogp: reference[0],
    rejectedLogp: reference[1],
    chosenTokens: chosen.length,
    rejectedTokens: rejected.length,
  }));
  const model = await loadModel(job.model);
  return {
    model,
    takesOverModel: true,
    pairs,
    reference,
    loss: { loss: "rpo", beta: job.beta, eta: job.eta, sft: "sum" },
    schedule: { name: "constant", peak: job.lr, steps, warmupSteps: 0, minimum: 0 },
    adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    batchPairs: job.batchPairs,
    order: "sequential",
    seed: 0,
    maxGradNorm: job.maxGradNorm,
    threads: job.threads,
    adapter: job.lora === null ? undefined : newAdapter(job.lora, { model: model.config, seed: 0 }),
  };
}

/** VmHWM of this process. Deno hides /proc from programs without all permissions; `cat` sees it. */
async function peakBytes(): Promise<number> {
  const command = new Deno.Command("cat", { args: [`/proc/${Deno.pid}/status`] });
  const status = new TextDecoder().decode((await command.output()).stdout);
  return Number(status.match(/VmHWM:\s+(\d+)/)![1]) * 1024;
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
