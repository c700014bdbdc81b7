import { z } from "zod";
import { defineStage } from "../pipeline/stage.ts";
import { deviceFacts, deviceParams } from "./device_params.ts";

const params = z.strictObject({
  threads: z.int().min(1).describe("Threads of the model"),
  ...deviceParams,
  examples: z.int().min(0).default(10).describe("Replies kept for people to read"),
});

export default defineStage<z.infer<typeof params>>({
  name: "measure",
  describe: "Measure what a policy prefers on held-out pairs, and how it replies; no judge",
  params,
  inputs: {
    policy: {
      type: "model",
      optional: true,
      describe: "The reference itself, which is not scored again, unless wired",
    },
    pairs: { type: "tokens", describe: "Held-out pairs" },
    reference: { type: "logps", describe: "The reference's log-probs of the same pairs" },
    replies: { type: "replies", optional: true, describe: "What the policy replied to prompts" },
  },
  outputs: { evaluation: { type: "evaluation" } },
  resources: ({ threads }) => ({ cores: threads, native: ["onnxruntime", "duckdb"] }),
  facts: deviceFacts,
  estimateSeconds: () => 20,
  module: import.meta.url,
  async run({ params, input, inputs, output, signal, progress, log }) {
    const { measurePairs } = await import("../eval/measure_pairs.ts");
    const { writeEvaluation } = await import("../eval/evaluation.ts");
    const { measureReplies, readReplies } = await import("../eval/reply_rows.ts");
    const { openScoredModel } = await import("./open_policy.ts");
    const { readTokens } = await import("../data/store/read_tokens.ts");
    const { readLogps } = await import("../train/logps_file.ts");
    const pairs = await readTokens(input("pairs").path);
    const [model] = inputs("policy");
    await using policy = model === undefined ? null : await openScoredModel(model.path, {
      ...params,
      signal,
      onProgress: (done, total) => progress({ done, total, unit: "replies" }),
    });
    if (policy) log(`computed by ${policy.runtime}`);
    const reference = await readLogps(input("reference").path);
    const evaluation = await measurePairs({ score: policy?.score ?? null, pairs, reference });
    const [replies] = inputs("replies");
    const written = replies && measureReplies(await readReplies(replies.path), params);
    await writeEvaluation(output("evaluation"), {
      itemSets: { ...evaluation.itemSets, ...written?.itemSets },
      metrics: { ...evaluation.metrics, ...written?.metrics },
      examples: written?.examples ?? [],
    });
  },
});
