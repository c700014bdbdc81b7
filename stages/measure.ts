import { z } from "zod";
import { defineStage } from "../pipeline/stage.ts";
import { modelFacts } from "./model_facts.ts";

const params = z.strictObject({
  threads: z.int().min(1).describe("Threads of the model"),
});

export default defineStage<z.infer<typeof params>>({
  name: "measure",
  describe: "Measure what a policy prefers on held-out pairs; no judge",
  params,
  inputs: {
    policy: { type: "model" },
    pairs: { type: "tokens", describe: "Held-out pairs" },
    reference: { type: "logps", describe: "The reference's log-probs of the same pairs" },
  },
  outputs: { evaluation: { type: "evaluation" } },
  resources: ({ threads }) => ({ cores: threads, native: ["onnxruntime", "duckdb"] }),
  facts: modelFacts,
  estimateSeconds: () => 20,
  module: import.meta.url,
  async run({ params, input, output, signal, progress }) {
    const { measurePairs } = await import("../eval/measure_pairs.ts");
    const { writeEvaluation } = await import("../eval/evaluation.ts");
    const { openScoredModel } = await import("./open_policy.ts");
    const { readTokens } = await import("../data/store/read_tokens.ts");
    const { readLogps } = await import("../train/logps_file.ts");
    const pairs = await readTokens(input("pairs").path);
    await using policy = await openScoredModel(input("policy").path, {
      threads: params.threads,
      signal,
      onProgress: (done, total) => progress({ done, total, unit: "replies" }),
    });
    const reference = await readLogps(input("reference").path);
    const evaluation = await measurePairs({ score: policy.score, pairs, reference });
    await writeEvaluation(output("evaluation"), evaluation);
  },
});
