import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import { scoredJudgments, scoreParams, writeScores } from "./score_params.ts";

const params = z.strictObject({
  ...scoreParams,
  difficulty: pathParam({
    kind: "file",
    describe: "The instructions' difficulties: rows {index, instruction, difficulty} as JSON lines",
  }),
  gamed: pathParam({
    kind: "file",
    describe: "CSV with the gamed baselines' rows that a fit on annotations rests on",
  }).optional(),
  baseline: z.string().min(1).default("gpt4_1106_preview")
    .describe("The model that leaderboards are against"),
});

export default defineStage<z.infer<typeof params>>({
  name: "score-alpaca-eval",
  describe:
    "Score AlpacaEval 2.0: win rates and length-controlled ones, from annotations or weights",
  params,
  inputs: scoredJudgments,
  outputs: { scores: { type: "scores" } },
  resources: () => ({ cores: 1, memory: 600 }),
  estimateSeconds: () => 3,
  module: import.meta.url,
  async run(context) {
    const { params, inputs, warn } = context;
    const { alpacaEvalTables } = await import("../eval/alpaca_eval/score_tables.ts");
    const folders = inputs("judgments").map(({ path }) => path);
    const { tables, warnings } = await alpacaEvalTables({ ...params, folders });
    warnings.forEach(warn);
    await writeScores(tables, context);
  },
});
