import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import { TARGET_NAMES } from "../train/models/adapter_config.ts";
import { SCHEDULES } from "../train/optim/schedule.ts";
import { modelAndPairs, withRoomForReply } from "./command_logps.ts";
import { openTokenizer } from "./command_tokenizer.ts";
import {
  deviceOfRank,
  fusedOnGpu,
  offloadsFromGpu,
  processesParam,
  tf32OfGpu,
} from "./device_params.ts";
import { positiveFloat32 } from "./float32_param.ts";
import { lossParams } from "./loss_params.ts";
import type { Ranks } from "../train/parallel/ranks.ts";
import type { StepRecord } from "../train/step_record.ts";
import type { StepTiming } from "../train/step_timing.ts";

const params = withRoomForReply(lossParams({
  ...modelAndPairs,
  processes: processesParam,
  reference: pathParam({ kind: "either", describe: "a Hugging Face folder or a GGUF file" })
    .optional(),
  lr: positiveFloat32,
  steps: z.int().min(1),
  schedule: z.enum(SCHEDULES),
  warmupSteps: z.int().min(0),
  batchPairs: z.int().min(1),
  microBatchPairs: z.int().min(1).optional(),
  vocabularyChunk: z.int().min(1).optional(),
  attentionBlock: z.int().min(1).optional(),
  moments: z.enum(["float32", "bfloat16"]).optional(),
  offloadMoments: z.boolean().optional(),
  gradientCheckpointing: z.boolean(),
  loraRank: z.int().min(1).optional(),
  loraAlpha: z.number().positive().optional(),
  loraTargets: z.array(z.enum(TARGET_NAMES)).min(1).optional(),
  maxGradNorm: positiveFloat32,
  weightDecay: z.number().min(0),
  order: z.enum(["sequential", "shuffled"]),
  seed: z.int().min(0),
  gradientShareSteps: z.int().min(1).optional(),
})).refine(...offloadsFromGpu).superRefine((params, { issues }) => {
  const { adapter, loraRank } = params;
  for (const name of ["loraRank", "loraAlpha", "loraTargets"] as const) {
    const refuse = (message: string) =>
      issues.push({ code: "custom", path: [name], message, input: params });
    if (params[name] === undefined) continue;
    if (adapter !== undefined) refuse("none beside --adapter, which has its own");
    else if (loraRank === undefined) refuse("--lora-rank beside it");
  }
}).refine(...tf32OfGpu).refine(...fusedOnGpu);

const CHECKPOINT_STEPS = 50;

/** What `ballast train` runs in a worker: no part of any recipe. */
export default defineStage<z.infer<typeof params>>({
  name: "command-train",
  describe: "Train a model on a file of pairs",
  params,
  inputs: {},
  outputs: { model: { type: "weights" }, steps: { type: "steps" } },
  checkModules: async (params) => (await import("./open_loss.ts")).lossProblems(params),
  resources: ({ threads, processes = 1 }) => ({
    cores: threads * processes,
    native: ["onnxruntime"],
    ...(processes === 1 ? {} : { processes }),
  }),
  module: import.meta.url,
  async run({ params, output, scratch, progress, measure, log, signal, warn }) {
    const { auditRemarks } = await import("../data/audit_remarks.ts");
    const { readTokenizedFile } = await import("../data/tokenize_file.ts");
    const { saveTokenizerFiles } = await import("../data/tokenizer/tokenizer_files.ts");
    const { loadModel, saveModel } = await import("../train/models/model.ts");
    const { loadAdapter, saveAdapter } = await import("../train/models/adapter.ts");
    const { newAdapter } = await import("../train/models/new_adapter.ts");
    const { openScorer } = await import("../train/logps.ts");
    const { describeSkippedSteps } = await import("../train/skipped_steps.ts");
    const { formatStepRecords } = await import("../train/step_record.ts");
    const { inRanks } = await import("../train/parallel/in_ranks.ts");
    const { trainModel } = await import("../train/trainer.ts");
    const { openLoss } = await import("./open_loss.ts");
    const loss = await openLoss(params);
    const pairs = await readTokenizedFile({
      ...params,
      path: params.pairs,
      tokenizer: await openTokenizer(params, warn),
    });
    auditRemarks(pairs).forEach(warn);
    const scoreReference = async (folder: string, ranks: Ranks | undefined) => {
      const device = deviceOfRank(params.device, ranks);
      const scorer = await openScorer(await loadModel(folder), { ...params, device });
      return await scorer.scorePairs(pairs, { signal, ranks }).finally(() => scorer.release());
    };
    const model = await loadModel(params.model);
    const openAdapter = async () => {
      const { adapter, loraRank: rank, loraAlpha: alpha, loraTargets: targets, seed } = params;
      if (adapter !== undefined) return await loadAdapter(adapter, model.config);
      return rank && newAdapter({ rank, alpha, targets }, { model: model.config, seed });
    };
    const { steps, lr, schedule, warmupSteps, weightDecay } = params;
    const options = {
      ...params,
      loss,
      model,
      takesOverModel: true,
      adapter: await openAdapter() || undefined,
      pairs,
      schedule: { name: schedule, peak: lr, steps, warmupSteps, minimum: 0 },
      adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay },
      checkpoints: { folder: scratch, everySteps: CHECKPOINT_STEPS },
      signal,
      onStep: (record: StepRecord, timing: StepTiming) => {
        const { step, loss } = record;
        measure({ ...record, ...timing });
        progress({ done: step, total: steps, unit: "steps", note: `loss ${loss.toFixed(4)}` });
      },
    };
    const trained = await inRanks(params.processes ?? 1, async (ranks) => {
      const { reference: folder } = params;
      const reference = folder === undefined ? undefined : await scoreReference(folder, ranks);
      const device = deviceOfRank(params.device, ranks);
      return await trainModel({ ...options, reference, ranks, device });
    });
    if (trained === null) return;
    log(`computed by ${trained.runtime}`);
    const skipped = describeSkippedSteps(trained.steps);
    if (skipped !== null) warn(skipped);
    const { adapter } = trained;
    if (adapter) await saveAdapter(adapter, output("model"));
    else {
      await saveModel(trained.model, output("model"));
      const { tokenizer = params.model, template } = params;
      await saveTokenizerFiles(tokenizer, output("model"), { template });
    }
    await Deno.writeTextFile(`${output("steps")}/steps.jsonl`, formatStepRecords(trained.steps));
  },
});
