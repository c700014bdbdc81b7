import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import { openTokenizer, tokenizerParams } from "./command_tokenizer.ts";
import { deviceParams, fusedAttentionParam, fusedOnGpu, tf32OfGpu } from "./device_params.ts";

/** Parameters of a command that reads a model and pairs from files. */
export const modelAndPairs = {
  model: pathParam({ kind: "either", describe: "a Hugging Face folder or a GGUF file" }),
  adapter: pathParam({ kind: "folder", describe: "a folder with a LoRA adapter of PEFT's" })
    .optional(),
  ...tokenizerParams,
  pairs: pathParam({
    kind: "file",
    describe: "rows {prompt, chosen, rejected}: JSON lines or Parquet",
  }),
  maxLength: z.int().min(2),
  maxPromptLength: z.int().min(1),
  threads: z.int().min(1),
  ...deviceParams,
  fusedAttention: fusedAttentionParam,
};

/** Refuses lengths that leave no room for a reply. */
export function withRoomForReply<
  Schema extends z.ZodType<{ maxLength: number; maxPromptLength: number }>,
>(schema: Schema): Schema {
  return schema.refine(({ maxLength, maxPromptLength }) => maxPromptLength < maxLength, {
    path: ["maxPromptLength"],
    error: "a number below maxLength",
  });
}

const params = withRoomForReply(z.strictObject(modelAndPairs)).refine(...tf32OfGpu)
  .refine(...fusedOnGpu);

/** What `ballast logps` runs in a worker: no part of any recipe. */
export default defineStage<z.infer<typeof params>>({
  name: "command-logps",
  describe: "Score the replies of a file of pairs under a model",
  params,
  inputs: {},
  outputs: { logps: { type: "logps" } },
  resources: ({ threads }) => ({ cores: threads, native: ["onnxruntime"] }),
  module: import.meta.url,
  async run({ params, output, progress, log, signal, warn }) {
    const { readTokenizedFile } = await import("../data/tokenize_file.ts");
    const { loadModel } = await import("../train/models/model.ts");
    const { loadAdapter } = await import("../train/models/adapter.ts");
    const { openScorer } = await import("../train/logps.ts");
    const { writeLogps } = await import("../train/logps_file.ts");
    const pairs = await readTokenizedFile({
      ...params,
      path: params.pairs,
      tokenizer: await openTokenizer(params, warn),
    });
    const model = await loadModel(params.model);
    const adapter = params.adapter === undefined
      ? undefined
      : await loadAdapter(params.adapter, model.config);
    const scorer = await openScorer({ ...model, adapter }, params);
    log(`computed by ${scorer.runtime}`);
    try {
      const rows = await scorer.scorePairs(pairs, {
        signal,
        onProgress: (done, total) => progress({ done, total, unit: "replies" }),
      });
      await writeLogps(output("logps"), rows);
    } finally {
      await scorer.release();
    }
  },
});
