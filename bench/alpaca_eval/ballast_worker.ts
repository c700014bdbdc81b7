/** Scores a file of annotations, as `ballast score` does, and tells how long that took. */
import { printVerbatim } from "../../cli/output.ts";
import { readAnnotations } from "../../eval/alpaca_eval/annotations.ts";
import { readDifficulties } from "../../eval/alpaca_eval/difficulty.ts";
import { readGamedBaselines } from "../../eval/alpaca_eval/gamed_baselines.ts";
import { scoreAlpacaEval } from "../../eval/alpaca_eval/score.ts";
import type { ScoreJob, ScoreResult } from "./job.ts";

const job: ScoreJob = JSON.parse(Deno.args[0]);
const path = job.annotations;
const difficulties = await readDifficulties(job.difficulty);
const gamed = await readGamedBaselines(job.gamed, difficulties.values.length);
const annotations = await readAnnotations(path);
const scoreSeconds: number[] = [];
let score = null;
for (let time = 0; time < job.times; time++) {
  const start = performance.now();
  score = scoreAlpacaEval({ annotations, path, difficulties, gamed });
  scoreSeconds.push((performance.now() - start) / 1000);
}
const result: ScoreResult = {
  winRate: score!.winRate,
  standardError: score!.standardError!,
  lengthControlledWinRate: score!.harnessLengthControlled!.rate,
  scoreSeconds,
};
printVerbatim(JSON.stringify(result));
