import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import {
  deviceParams,
  fusedAttentionParam,
  fusedOnGpu,
  ON_DEVICE,
  tf32OfGpu,
} from "./device_params.ts";

const params = z.strictObject({
  threads: z.int().min(1).describe("Threads of the model"),
  ...deviceParams,
  fusedAttention: fusedAttentionParam,
}).refine(...tf32OfGpu).refine(...fusedOnGpu);

export default defineStage<z.infer<typeof params>>({
  name: "logps",
  describe: "Score the replies of pairs under a model, such as the reference",
  params,
  inputs: { model: { type: "model" }, tokens: { type: "tokens" } },
  outputs: { logps: { type: "logps" } },
  ...ON_DEVICE,
  estimateSeconds: () => 4,
  module: import.meta.url,
  async run({ params, input, output, signal, progress, log }) {
    const { readTokens } = await import("../data/store/read_tokens.ts");
    const { openScorer } = await import("../train/logps.ts");
    const { writeLogps } = await import("../train/logps_file.ts");
    const { loadModel } = await import("../train/models/model.ts");
    const pairs = await readTokens(input("tokens").path);
    const scorer = await openScorer(await loadModel(input("model").path), params);
    log(`computed by ${scorer.runtime}`);
    try {
      const scores = await scorer.scorePairs(pairs, {
        signal,
        onProgress: (done, total) => progress({ done, total, unit: "replies" }),
      });
      await writeLogps(output("logps"), scores);
    } finally {
      await scorer.release();
    }
  },
});
