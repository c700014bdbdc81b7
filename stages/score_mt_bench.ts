import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import { scoredJudgments, scoreParams, writeScores } from "./score_params.ts";

const params = z.strictObject({
  ...scoreParams,
  judge: z.string().min(1).optional().describe("The judge's model, where a file has several"),
  questions: pathParam({
    kind: "file",
    describe: "question.jsonl, where questions are not MT-Bench's own 80",
  }).optional(),
});

export default defineStage<z.infer<typeof params>>({
  name: "score-mt-bench",
  describe: "Score MT-Bench's judgments: wins, losses and ties of pairs, means of grades",
  params,
  inputs: scoredJudgments,
  outputs: { scores: { type: "scores" } },
  resources: () => ({ cores: 1, memory: 500 }),
  estimateSeconds: () => 2,
  module: import.meta.url,
  async run(context) {
    const { params, inputs } = context;
    const { mtBenchTables } = await import("../eval/mt_bench/score_tables.ts");
    const { readQuestions } = await import("../eval/mt_bench/questions.ts");
    const { questions: path } = params;
    const questions = path === undefined ? undefined : await readQuestions(path);
    const folders = inputs("judgments").map(({ path }) => path);
    const tables = await mtBenchTables({ ...params, questions, folders });
    await writeScores(tables, context);
  },
});
