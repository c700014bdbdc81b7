import { z } from "../core/zod.ts";
import type { Protocol } from "../eval/judge/judge_items.ts";
import type { JudgedItem } from "../eval/judge/judged_item.ts";
import { defineStage } from "../pipeline/stage.ts";
import { type AnswerFiles, answerFiles, fileProblems, PARAMETER_FILES } from "./answer_files.ts";
import {
  judgeFacts,
  judgeParams,
  judgeProblems,
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
  ...PARAMETER_FILES,
  benchmark: z.enum(["alpaca-eval", "mt-bench-pair", "mt-bench-single"]).describe(
    "Whose files these are, and how its judge is asked and read",
  ),
  limit: z.int().min(1).optional().describe("Questions to judge, from the first; all if absent"),
}).refine(pricedBudget.check, pricedBudget.message);

type Params = z.infer<typeof params>;

export default defineStage<Params>({
  name: "judge-answers",
  describe: "Let a judge compare or grade answers to a benchmark, as its harness does",
  params,
  inputs: {
    answers: {
      type: "replies",
      optional: true,
      describe: "The judged system's, as generate wrote them; a file unless wired",
    },
    baseline: { type: "replies", optional: true, describe: "Those that pairs compare with" },
    benchmark: {
      type: "benchmark",
      optional: true,
      describe: "Questions, reference answers, template; AlpacaEval's baseline unless one is wired",
    },
  },
  outputs: { judgments: { type: "judgments" } },
  checkInputs: (params, inputs) => [...judgeProblems(params), ...fileProblems(params, inputs)],
  resources: () => ({ cores: 1, memory: 500, ...judgeResources() }),
  facts: judgeFacts,
  estimateSeconds: () => 300,
  module: import.meta.url,
  async run(context) {
    const { params } = context;
    const { judgeItems } = await import("../eval/judge/judge_items.ts");
    const files = await answerFiles(params, context.inputs);
    const { items, ...how } = await openAnswers(files, params);
    const { model, seeds, sampling, asking } = await openJudge(
      { ...params, rule: how.rule.kind },
      context,
    );
    const judged = await judgeItems(items, { model, seeds, sampling, ...how }, asking);
    await writeJudgments(judged, params, context);
  },
});

type Benchmark = Pick<Protocol, "systems" | "rule" | "template" | "orders" | "equalAnswers"> & {
  readonly items: readonly JudgedItem[];
};

/**
 * What a benchmark asks of a judge, from its files.
 *
 * @throws InputError for files that are not what they should be
 */
export function openAnswers(files: AnswerFiles, params: Params): Promise<Benchmark> {
  return params.benchmark === "alpaca-eval"
    ? openAlpacaEval(files, params)
    : openMtBench(files, params);
}

/**
 * One order a pair, drawn by seed and instruction, and the log-probs of the two names. An output that
 * equals the baseline's is a tie that nobody is asked about, as alpaca_eval has it.
 */
async function openAlpacaEval(files: AnswerFiles, params: Params): Promise<Benchmark> {
  const { alpacaItems } = await import("../eval/judge/benchmark_items.ts");
  const { chooseTemplate } = await import("../eval/judge/template.ts");
  const { readModelOutputs } = await import("../eval/alpaca_eval/model_outputs.ts");
  const [outputs, baseline] = await Promise.all(
    [files.answers, files.baseline!].map(readModelOutputs),
  );
  const { templateName: name } = params;
  const templates = await openTemplates({ ...params, template: files.template });
  const template = chooseTemplate(templates, { path: files.template, name });
  return {
    items: alpacaItems(outputs.slice(0, params.limit), baseline),
    systems: [baseline, outputs].map((rows) => rows[0].generator),
    rule: { kind: "logprobs", tokens: ["m", "M"] },
    template: () => template,
    orders: "drawn",
    equalAnswers: "tie",
  };
}

/** Both orders of pairs, equal answers too, FastChat's choice of prompts, and verdicts in the judge's text. */
async function openMtBench(files: AnswerFiles, params: Params): Promise<Benchmark> {
  const { mtBenchItems, mtBenchTemplates } = await import("../eval/judge/benchmark_items.ts");
  const { readAnswers } = await import("../eval/mt_bench/answers.ts");
  const { readQuestions } = await import("../eval/mt_bench/questions.ts");
  const kind = params.benchmark === "mt-bench-single" ? "single" : "pair";
  const judged = kind === "single" ? [files.answers] : [files.baseline!, files.answers];
  const answers = await Promise.all(judged.map(readAnswers));
  const questions = (await readQuestions(files.questions!)).slice(0, params.limit);
  const references = await readAnswers(files.references!);
  const { template: path } = files;
  return {
    items: mtBenchItems({ questions, answers, references }),
    systems: answers.map((rows) => rows[0].model_id),
    rule: { kind: kind === "single" ? "rating" : "choice" },
    template: mtBenchTemplates(await openTemplates({ ...params, template: path }), { kind, path }),
    orders: "both",
    equalAnswers: "asked",
  };
}
