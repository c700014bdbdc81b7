import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import { ADAPTER_FOLDER, TARGET_NAMES } from "../train/models/adapter_config.ts";
import { SCHEDULES } from "../train/optim/schedule.ts";
import {
  deviceOfRank,
  deviceParams,
  fusedAttentionParam,
  fusedOnGpu,
  momentsParams,
  offloadsFromGpu,
  ON_DEVICE,
  processesParam,
  tf32OfGpu,
} from "./device_params.ts";
import { positiveFloat32 } from "./float32_param.ts";
import { lossParams } from "./loss_params.ts";
import type { StepRecord } from "../train/step_record.ts";
import type { StepTiming } from "../train/step_timing.ts";
import { countSteps, snapshotSteps } from "./train_steps.ts";

const count = (describe: string) => z.int().min(1).describe(describe);

const lora = z.strictObject({
  rank: count("Rank of the adapter"),
  alpha: z.number().positive().optional()
    .describe("What the adapter adds is multiplied by alpha / rank; twice the rank unless given"),
  targets: z.array(z.enum(TARGET_NAMES)).min(1).default([...TARGET_NAMES])
    .describe("The matrices of each layer that it changes"),
}).describe(
  "Train a new LoRA adapter instead of all weights; outputs have it merged, and by itself",
);

const run = {
  lora: lora.optional(),
  learningRate: positiveFloat32.describe("Peak learning rate of AdamW"),
  schedule: z.enum(SCHEDULES).describe("How the learning rate goes on after warm-up"),
  warmupSteps: z.int().min(0).default(0).describe("Steps over which the learning rate rises"),
  warmupRatio: z.number().min(0).max(1).optional().describe(
    "The part of all steps over which it rises, rounded up as transformers does; or warmupSteps",
  ),
  minimumRate: z.number().min(0).max(1).default(0)
    .describe("Fraction of the peak that linear and cosine end at"),
  epochs: z.number().positive().optional().describe("Passes over the pairs; or give steps"),
  steps: count("Training steps; or give epochs").optional(),
  batchPairs: count("Pairs a step"),
  microBatchPairs: count(
    "Most pairs of one run of the graph; changes memory, and the order of sums",
  ).optional(),
  vocabularyChunk: count(
    "Vocabulary entries whose logits are there at once; all, unless they would take too much memory",
  ).optional(),
  attentionBlock: count(
    "Queries whose attention is computed at once; all, unless the longest pairs take too much memory",
  ).optional(),
  order: z.enum(["shuffled", "sequential"]).default("shuffled").describe("Order of the pairs"),
  seed: z.int().min(0).describe("Seed of the order of the pairs, and of a new adapter"),
  maxGradNorm: positiveFloat32.default(1).describe("Global norm that gradients are cut to"),
  weightDecay: z.number().min(0).default(0).describe("Decoupled weight decay"),
  adamBeta1: z.number().min(0).lt(1).default(0.9).describe("Decay of AdamW's first moment"),
  adamBeta2: z.number().min(0).lt(1).default(0.999).describe("Decay of AdamW's second moment"),
  adamEpsilon: positiveFloat32.default(1e-8).describe("Epsilon of AdamW"),
  ...momentsParams,
  gradientCheckpointing: z.boolean().default(false)
    .describe("Compute layers a second time instead of keeping them: less memory, more time"),
  threads: count("Threads of the model, in each process; the order of sums depends on them"),
  processes: processesParam,
  ...deviceParams,
  fusedAttention: fusedAttentionParam,
  precision: deviceParams.precision.describe(
    "What layers are computed in, float32 unless given; weights that are trained stay float32; in " +
      "float16 the loss is scaled",
  ),
  snapshots: z.union([
    z.strictObject({ every: count("Steps between snapshots, from the start to the end") }),
    z.strictObject({ steps: z.array(z.int().min(0)).describe("Steps; 0 is the start") }),
  ]).default({ steps: [] }).describe("When the weights are kept along the way"),
  checkpointSteps: count("Steps between checkpoints").default(100),
  checkpointsKept: count("Checkpoints that stay while training, from the newest back").default(2),
  gradientShareSteps: count("Steps between measurements of each loss part's gradient").default(10),
};

const params = lossParams(run).refine(
  ({ epochs, steps }) => (epochs === undefined) !== (steps === undefined),
  {
    message: "exactly one of epochs and steps",
    path: ["steps"],
  },
).refine(
  ({ warmupSteps, warmupRatio }) => warmupRatio === undefined || warmupSteps === 0,
  {
    message: "not both warmupSteps and warmupRatio",
    path: ["warmupRatio"],
  },
).refine(...offloadsFromGpu).superRefine((params, { issues }) => {
  const { steps, snapshots } = params;
  if (steps === undefined || !("steps" in snapshots)) return;
  snapshots.steps.forEach((step, i) => {
    if (step <= steps) return;
    const message = `a step of the ${steps} there are`;
    issues.push({ code: "custom", path: ["snapshots", "steps", i], message, input: step });
  });
}).refine(...tf32OfGpu).refine(...fusedOnGpu);

type Params = z.infer<typeof params>;

export default defineStage<Params>({
  name: "train",
  describe: "Train a model on preference pairs, or on demonstrations",
  params,
  inputs: {
    model: { type: "model", describe: "Where training begins" },
    tokens: { type: "tokens" },
    reference: {
      type: "logps",
      optional: true,
      describe: "The reference's log-probs of the same tokens; the model's own unless wired",
    },
  },
  outputs: {
    model: { type: "model" },
    steps: { type: "steps" },
    snapshots: { type: "snapshots" },
  },
  checkModules: async (params) => (await import("./open_loss.ts")).lossProblems(params),
  ...ON_DEVICE,
  estimateSeconds: ({ steps = 500 }) => 2 + 0.04 * steps,
  module: import.meta.url,
  async run({ params, input, inputs, output, scratch, signal, progress, measure, log, warn }) {
    const { readTokens } = await import("../data/store/read_tokens.ts");
    const { readLogps } = await import("../train/logps_file.ts");
    const { saveTokenizerFiles } = await import("../data/tokenizer/tokenizer_files.ts");
    const { loadModel, saveModel } = await import("../train/models/model.ts");
    const { copySnapshots, mergeSnapshots } = await import("../train/snapshots.ts");
    const { mergeAdapterInto, saveAdapter } = await import("../train/models/adapter.ts");
    const { newAdapter } = await import("../train/models/new_adapter.ts");
    const { describeSkippedSteps } = await import("../train/skipped_steps.ts");
    const { formatStepRecords } = await import("../train/step_record.ts");
    const { inRanks } = await import("../train/parallel/in_ranks.ts");
    const { trainModel } = await import("../train/trainer.ts");
    const { openLoss } = await import("./open_loss.ts");
    const loss = await openLoss(params);
    const pairs = await readTokens(input("tokens").path);
    const steps = countSteps(params, pairs.length);
    log(`${steps} steps of ${params.batchPairs} pairs out of ${pairs.length}`);
    const [reference] = inputs("reference");
    // Snapshots are kept where they outlast a killed attempt.
    const snapshots = {
      folder: `${scratch}/training/snapshots`,
      steps: snapshotSteps(params.snapshots, steps),
    };
    const model = await loadModel(input("model").path);
    const adapter = params.lora &&
      newAdapter(params.lora, { model: model.config, seed: params.seed });
    const options = {
      ...params,
      ...optimisation(params, steps),
      loss,
      model,
      takesOverModel: true,
      adapter,
      pairs,
      reference: reference && await readLogps(reference.path),
      snapshots,
      checkpoints: {
        folder: `${scratch}/training/checkpoints`,
        everySteps: params.checkpointSteps,
        keep: params.checkpointsKept,
      },
      signal,
      onStep: (record: StepRecord, timing: StepTiming) => {
        const { step, loss } = record;
        measure({ ...record, ...timing });
        progress({ done: step, total: steps, unit: "steps", note: `loss ${loss.toFixed(4)}` });
      },
    };
    const trained = await inRanks(
      params.processes ?? 1,
      (ranks) => trainModel({ ...options, ranks, device: deviceOfRank(params.device, ranks) }),
    );
    if (trained === null) return;
    log(`computed by ${trained.runtime}`);
    const skipped = describeSkippedSteps(trained.steps);
    if (skipped !== null) warn(skipped);
    if (trained.adapter) {
      await mergeSnapshots(snapshots.folder, output("snapshots"), trained.model);
      await saveAdapter(trained.adapter, `${output("model")}/${ADAPTER_FOLDER}`);
      mergeAdapterInto(trained.model, trained.adapter);
    } else await copySnapshots(snapshots.folder, output("snapshots"));
    await saveModel(trained.model, output("model"));
    await saveTokenizerFiles(input("model").path, output("model"));
    await Deno.writeTextFile(`${output("steps")}/steps.jsonl`, formatStepRecords(trained.steps));
  },
});

function optimisation(params: Params, steps: number) {
  const { schedule: name, learningRate: peak, minimumRate: minimum, warmupRatio } = params;
  const warmupSteps = warmupRatio === undefined
    ? params.warmupSteps
    : Math.ceil(warmupRatio * steps);
  const { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon, weightDecay } = params;
  return {
    schedule: { name, peak, steps, warmupSteps, minimum },
    adamw: { beta1, beta2, epsilon, weightDecay },
  };
}
