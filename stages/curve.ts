import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import {
  computingOf,
  deviceParams,
  fusedAttentionParam,
  fusedOnGpu,
  ON_DEVICE,
  tf32OfGpu,
} from "./device_params.ts";

const count = (describe: string) => z.int().min(1).describe(describe);

const params = z.strictObject({
  seed: z.int().min(0).describe("Seed of the sampled replies"),
  threads: count("Threads of the model"),
  ...deviceParams,
  fusedAttention: fusedAttentionParam,
  maxNewTokens: count("Most tokens of a reply, its end token included"),
}).refine(...tf32OfGpu).refine(...fusedOnGpu);

export default defineStage<z.infer<typeof params>>({
  name: "curve",
  describe: "Measure every snapshot of a training run on validation prompts and pairs",
  params,
  inputs: {
    snapshots: { type: "snapshots" },
    tokenizer: { type: "tokenizer" },
    prompts: {
      type: "prompts",
      decides: "choice",
      describe: "Validation prompts, not those of the table",
    },
    pairs: { type: "tokens", decides: "choice", describe: "Validation pairs" },
    reference: { type: "logps", describe: "The reference's log-probs of the validation pairs" },
    over: {
      type: "model",
      optional: true,
      describe: "The reference: KL to it, and win rates over replies of its own",
    },
  },
  outputs: { curve: { type: "curve" } },
  ...ON_DEVICE,
  estimateSeconds: () => 6,
  module: import.meta.url,
  async run({ params, input, inputs, output, signal, progress, log }) {
    const { measureSnapshots, referenceReplies, writeCurve } = await import("../eval/curve.ts");
    const { openPolicy } = await import("./open_policy.ts");
    const { readSnapshotSteps } = await import("../eval/snapshot_steps.ts");
    const { snapshotName } = await import("../train/snapshots.ts");
    const { readWorldPrompts, worldReplies } = await import("../eval/world_prompts.ts");
    const { loadTokenizer } = await import("../data/tokenizer/tokenizer.ts");
    const { readTokens } = await import("../data/store/read_tokens.ts");
    const { readLogps } = await import("../train/logps_file.ts");
    const tokenizer = await loadTokenizer(input("tokenizer").path);
    const folder = input("snapshots").path;
    const steps = await readSnapshotSteps(folder);
    const computing = { ...computingOf(params), tokenizer };
    const request = {
      ...params,
      ...worldReplies(tokenizer),
      prompts: await readWorldPrompts(input("prompts").path, tokenizer),
      sampling: { seed: params.seed, stream: "validation", temperature: 1, topP: 1 },
      pairs: await readTokens(input("pairs").path),
      reference: await readLogps(input("reference").path),
      signal,
    };
    await using reference = inputs("over").length === 0
      ? null
      : await openPolicy(input("over").path, computing);
    const over = reference && {
      score: reference.score,
      replies: await referenceReplies(reference.decoder, request),
    };
    let done = 0;
    const curve = await measureSnapshots({
      ...request,
      ...(over !== null && { over }),
      steps,
      open: async (step) => {
        const policy = await openPolicy(`${folder}/${snapshotName(step)}`, computing);
        if (step === steps[0]) log(`computed by ${policy.runtime}`);
        return policy;
      },
      onPoint: () => progress({ done: ++done, total: steps.length, unit: "snapshots" }),
    });
    await writeCurve(output("curve"), curve);
  },
});
