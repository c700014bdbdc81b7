import type { Predict } from "../../pipeline/prediction.ts";
import type { Stage } from "../../pipeline/stage.ts";
import { predictBaseModel } from "./base_model.ts";
import { predictBenchmark } from "./benchmark.ts";
import {
  predictInitial,
  predictPairs,
  predictSelection,
  predictTokenizer,
  predictWorld,
} from "./data.ts";
import { predictGenerating } from "./decode.ts";
import { predictJudging, predictJudgingAnswers } from "./judge.ts";
import { predictLogps, predictMeasuring } from "./score.ts";
import { predictTokens } from "./tokenize.ts";
import { predictTraining } from "./train.ts";
import { predictCollecting, predictCurve, predictEvaluation } from "./world_replies.ts";

/** What is foreseen of stages, by name. They lie apart from the stages, whose code is in their keys. */
const PREDICTIONS: Readonly<Record<string, Predict<never>>> = {
  "world": predictWorld,
  "read-pairs": predictPairs,
  "read-benchmark": predictBenchmark,
  "train-tokenizer": predictTokenizer,
  "tokenize": predictTokens,
  "base-model": predictBaseModel,
  "initialize": predictInitial,
  "collect": predictCollecting,
  "logps": predictLogps,
  "train": predictTraining,
  "curve": predictCurve,
  "select": predictSelection,
  "evaluate": predictEvaluation,
  "generate": predictGenerating,
  "measure": predictMeasuring,
  "judge": predictJudging,
  "judge-answers": predictJudgingAnswers,
};

/** A stage with its prediction, where it has one; parameters were checked by the stage's own schema. */
export function withPrediction(stage: Stage): Stage {
  const predict = PREDICTIONS[stage.name];
  return predict === undefined ? stage : { ...stage, predict: predict as Predict };
}
