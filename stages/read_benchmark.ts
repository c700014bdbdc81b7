import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import { inFolder } from "./in_folder.ts";

const path = pathParam({ kind: "folder", describe: "The folder that the files below are in" });
const template = inFolder.describe(
  "What its judge is asked: judge_prompts.jsonl, or a ChatML text",
);

const params = z.discriminatedUnion("benchmark", [
  z.strictObject({
    benchmark: z.literal("alpaca-eval").describe("AlpacaEval 2.0"),
    path,
    baseline: inFolder.describe(
      "Model outputs of the system to compare with; their instructions are what is asked",
    ),
    template,
  }),
  z.strictObject({
    benchmark: z.literal("mt-bench").describe("MT-Bench, or questions of one's own in its form"),
    path,
    questions: inFolder.describe("FastChat's question.jsonl"),
    references: inFolder.describe("Its reference answers"),
    template,
  }),
]);

export default defineStage<z.infer<typeof params>>({
  name: "read-benchmark",
  describe: "Take a benchmark's prompts and what it is judged with, every row checked",
  params,
  inputs: {},
  outputs: {
    benchmark: { type: "benchmark" },
    prompts: { type: "prompts", describe: "What it opens with, for an audit" },
  },
  resources: () => ({ cores: 1, memory: 500 }),
  estimateSeconds: () => 2,
  module: import.meta.url,
  async run({ params: { path, ...files }, output, log }) {
    const { keepBenchmark, openBenchmark, readConversations } = await import(
      "../eval/benchmark.ts"
    );
    await keepBenchmark(files, { from: path, into: output("benchmark") });
    const { writePrompts } = await import("../data/pairs_file.ts");
    const conversations = await readConversations(await openBenchmark(output("benchmark")));
    const prompts = conversations.map(({ id, opening }) => ({ id, prompt: opening }));
    log(`${await writePrompts(output("prompts"), prompts)} conversations`);
  },
});
