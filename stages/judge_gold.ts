import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";

const params = z.strictObject({
  system: z.string().min(1).describe("Name of the judged system, such as $method"),
  baseline: z.string().min(1).describe("Name of what it is compared with"),
});

export default defineStage<z.infer<typeof params>>({
  name: "judge-gold",
  describe: "Judge replies of the synthetic world beside others by the gold reward; ask nobody",
  params,
  inputs: {
    replies: { type: "replies", describe: "The judged system's" },
    baseline: { type: "replies", describe: "Replies to the same prompts" },
  },
  outputs: { judgments: { type: "judgments" } },
  resources: () => ({ cores: 1, memory: 300 }),
  estimateSeconds: () => 1,
  module: import.meta.url,
  async run({ params: { system, baseline }, input, output, log }) {
    const { judgeByGold } = await import("../eval/judge/gold_judge.ts");
    const { writeHarnessFiles } = await import("../eval/judge/harness_rows.ts");
    const { writeJudged } = await import("../eval/judge/judged_files.ts");
    const { readReplies } = await import("../eval/reply_rows.ts");
    const judged = judgeByGold({
      replies: await readReplies(input("replies").path),
      baseline: await readReplies(input("baseline").path),
      systems: [baseline, system],
    });
    await writeJudged(output("judgments"), judged);
    await writeHarnessFiles(output("judgments"), judged);
    log(`${judged.coverage.scored} pairs`);
  },
});
