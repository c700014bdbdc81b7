import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import { inFolder } from "./in_folder.ts";

const files = (describe: string) => z.array(inFolder).default([]).describe(describe);

const params = z.strictObject({
  path: pathParam({ kind: "folder", describe: "The folder that the files below are in" }),
  annotations: files("AlpacaEval's annotations.json, one a model"),
  leaderboards: files("AlpacaEval's leaderboard.csv"),
  weights: files("Weights of AlpacaEval's length-controlled GLM: baseline_MODEL.csv"),
  pairs: files("FastChat's pairwise judgments, each in both orders"),
  grades: files("FastChat's grades of single answers"),
  categoryMeans: files("Mean grades as stated: {system: {category: mean}}"),
  published: files("What a paper prints: rows table,row,column,value,note as CSV"),
}).refine(({ path: _, ...kinds }) => Object.values(kinds).some((list) => list.length > 0), {
  path: ["pairs"],
  error: "at least one file of any kind",
});

export default defineStage<z.infer<typeof params>>({
  name: "read-judgments",
  describe: "Take judgments of benchmarks that others published, every row checked",
  params,
  inputs: {},
  outputs: { judgments: { type: "judgments" } },
  resources: () => ({ cores: 1, memory: 500 }),
  estimateSeconds: () => 2,
  module: import.meta.url,
  async run({ params: { path, ...files }, output, log }) {
    const { keepJudgmentFiles } = await import("../eval/judgment_files.ts");
    await keepJudgmentFiles(files, { from: path, into: output("judgments") });
    log(`${Object.values(files).flat().length} files`);
  },
});
