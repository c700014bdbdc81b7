import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import { scoredJudgments, scoreParams, writeScores } from "./score_params.ts";

const params = z.strictObject(scoreParams);

export default defineStage<z.infer<typeof params>>({
  name: "score-pairs",
  describe: "Score replies that were judged side by side: wins, losses, ties, win rate over seeds",
  params,
  inputs: scoredJudgments,
  outputs: { scores: { type: "scores" } },
  resources: () => ({ cores: 1, memory: 500 }),
  estimateSeconds: () => 2,
  module: import.meta.url,
  async run(context) {
    const { params, inputs } = context;
    const { readJudged } = await import("../eval/judge/judged_files.ts");
    const { pairScoresTable } = await import("../eval/judge/pair_scores.ts");
    const judged = await Promise.all(
      inputs("judgments").map(async ({ path, from, axes }) => ({
        from,
        axes,
        judged: await readJudged(path),
      })),
    );
    await writeScores([pairScoresTable(judged, params)], context);
  },
});
