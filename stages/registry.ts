import type { Stage } from "../pipeline/stage.ts";
import audit from "./audit.ts";
import baseModel from "./base_model.ts";
import collect from "./collect.ts";
import compare from "./compare.ts";
import curve from "./curve.ts";
import evaluate from "./evaluate.ts";
import generate from "./generate.ts";
import initialize from "./initialize.ts";
import judge from "./judge.ts";
import judgeAnswers from "./judge_answers.ts";
import judgeGold from "./judge_gold.ts";
import logps from "./logps.ts";
import measure from "./measure.ts";
import readBenchmark from "./read_benchmark.ts";
import readJudgments from "./read_judgments.ts";
import readPairs from "./read_pairs.ts";
import reconcile from "./reconcile.ts";
import report from "./report.ts";
import scoreAlpacaEval from "./score_alpaca_eval.ts";
import scoreMtBench from "./score_mt_bench.ts";
import scorePairs from "./score_pairs.ts";
import select from "./select.ts";
import sweep from "./sweep.ts";
import tokenize from "./tokenize.ts";
import train from "./train.ts";
import trainTokenizer from "./train_tokenizer.ts";
import { withPrediction } from "./predictions/index.ts";
import world from "./world.ts";

const all: readonly Stage[] = [
  world,
  readPairs,
  baseModel,
  trainTokenizer,
  tokenize,
  audit,
  initialize,
  collect,
  logps,
  train,
  curve,
  select,
  evaluate,
  readBenchmark,
  generate,
  measure,
  judge,
  judgeAnswers,
  judgeGold,
  readJudgments,
  scorePairs,
  scoreMtBench,
  scoreAlpacaEval,
  compare,
  sweep,
  reconcile,
  report,
];

/** Every stage there is, by name. A new stage is one file and two lines here. */
export const stages: ReadonlyMap<string, Stage> = new Map(
  all.map((stage) => [stage.name, withPrediction(stage)]),
);
