/** Scores a file of annotations once, as `ballast score` does, and tells how long that took. */
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
const start = performance.now();
const score = scoreAlpacaEval({ annotations, path, difficulties, gamed });
const result: ScoreResult = {
  winRate: score.winRate,
  standardError: score.standardError!,
  lengthControlledWinRate: score.harnessLengthControlled!.rate,
  scoreSeconds: (performance.now() - start) / 1000,
};
printVerbatim(JSON.stringify(result));
