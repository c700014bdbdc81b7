import { z } from "zod";
import type { Protocol } from "../eval/judge/judge_items.ts";
import type { JudgedItem } from "../eval/judge/judged_item.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import {
  judgeFacts,
  judgeParams,
  judgeResources,
  openJudge,
  openTemplates,
  pricedBudget,
  templateParams,
  writeJudgments,
} from "./judge_params.ts";

const params = z.strictObject({
  ...judgeParams,
  ...templateParams,
  benchmark: z.enum(["alpaca-eval", "mt-bench-pair", "mt-bench-single"]).describe(
    "Whose files these are, and how its judge is asked and read",
  ),
  answers: pathParam({
    kind: "file",
    describe: "The judged system's: AlpacaEval's model outputs, or FastChat's answers",
  }),
  baseline: pathParam({ kind: "file", describe: "Those of the system that pairs compare with" })
    .optional(),
  questions: pathParam({ kind: "file", describe: "MT-Bench's question.jsonl" }).optional(),
  references: pathParam({ kind: "file", describe: "MT-Bench's reference answers" }).optional(),
}).refine(pricedBudget.check, pricedBudget.message)
  .refine(({ benchmark, baseline }) => benchmark === "mt-bench-single" || baseline !== undefined, {
    path: ["baseline"],
    error: "a file of answers to compare with",
  })
  .refine(({ benchmark, questions }) => benchmark === "alpaca-eval" || questions !== undefined, {
    path: ["questions"],
    error: "MT-Bench's question.jsonl",
  })
  .refine(({ benchmark, references }) => benchmark === "alpaca-eval" || references !== undefined, {
    path: ["references"],
    error: "MT-Bench's file of reference answers",
  });

type Params = z.infer<typeof params>;

export default defineStage<Params>({
  name: "judge-answers",
  describe: "Let a judge compare or grade the answers in a benchmark's files, as its harness does",
  params,
  inputs: {},
  outputs: { judgments: { type: "judgments" } },
  resources: () => ({ cores: 1, memory: 500, ...judgeResources() }),
  facts: judgeFacts,
  estimateSeconds: () => 300,
  module: import.meta.url,
  async run(context) {
    const { params } = context;
    const { judgeItems } = await import("../eval/judge/judge_items.ts");
    const { items, ...how } = await openBenchmark(params);
    const { model, seeds, sampling, asking } = await openJudge(
      { ...params, rule: how.rule.kind },
      context,
    );
    const judged = await judgeItems(items, { model, seeds, sampling, ...how }, asking);
    await writeJudgments(judged, params, context);
  },
});

type Benchmark = Pick<Protocol, "systems" | "rule" | "template" | "orders"> & {
  readonly items: readonly JudgedItem[];
};

/**
 * What a benchmark asks of a judge, from its files.
 *
 * @throws InputError for files that are not what they should be
 */
export function openBenchmark(params: Params): Promise<Benchmark> {
  return params.benchmark === "alpaca-eval" ? openAlpacaEval(params) : openMtBench(params);
}

/** One order a pair, drawn by seed and instruction, and the log-probs of the two names. */
async function openAlpacaEval(params: Params): Promise<Benchmark> {
  const { alpacaItems } = await import("../eval/judge/benchmark_items.ts");
  const { chooseTemplate } = await import("../eval/judge/template.ts");
  const { readModelOutputs } = await import("../eval/alpaca_eval/model_outputs.ts");
  const [outputs, baseline] = await Promise.all(
    [params.answers, params.baseline!].map(readModelOutputs),
  );
  const { template: path, templateName: name } = params;
  const template = chooseTemplate(await openTemplates(params), { path, name });
  return {
    items: alpacaItems(outputs, baseline),
    systems: [baseline, outputs].map((rows) => rows[0].generator),
    rule: { kind: "logprobs", tokens: ["m", "M"] },
    template: () => template,
    orders: "drawn",
  };
}

/** Both orders of pairs, FastChat's choice of prompts, and verdicts in the judge's text. */
async function openMtBench(params: Params): Promise<Benchmark> {
  const { mtBenchItems, mtBenchTemplates } = await import("../eval/judge/benchmark_items.ts");
  const { readAnswers } = await import("../eval/mt_bench/answers.ts");
  const { readQuestions } = await import("../eval/mt_bench/questions.ts");
  const kind = params.benchmark === "mt-bench-single" ? "single" : "pair";
  const files = kind === "single" ? [params.answers] : [params.baseline!, params.answers];
  const answers = await Promise.all(files.map(readAnswers));
  const questions = await readQuestions(params.questions!);
  const references = await readAnswers(params.references!);
  const { template: path } = params;
  return {
    items: mtBenchItems({ questions, answers, references }),
    systems: answers.map((rows) => rows[0].model_id),
    rule: { kind: kind === "single" ? "rating" : "choice" },
    template: mtBenchTemplates(await openTemplates(params), { kind, path }),
    orders: "both",
  };
}
