import { InputError } from "../../core/problem.ts";
import { BYTES_A_TOKEN, estimateCost, price } from "../../eval/judge/cost.ts";
import { readJudgeSettings } from "../../eval/judge/settings.ts";
import type { BenchmarkFiles } from "../../eval/benchmark.ts";
import type { Calls, Prediction, Sizes } from "../../pipeline/prediction.ts";
import type judge from "../judge.ts";
import type judgeAnswers from "../judge_answers.ts";
import { openTemplates } from "../judge_params.ts";
import { countOf, type ParamsOf, type PredictOf } from "./params_of.ts";

const UNKNOWN: Calls = { count: null, dollars: null };

/** Judging replies: as many calls as replies, orders and seeds; texts as long as they are or may be. */
export const predictJudging: PredictOf<typeof judge> = async ({ params, inputs }) => {
  if (isOffline()) return {};
  const [replies] = inputs.replies;
  const { limit = Infinity, orders, rule, seeds = [null], prices, maxTokens } = params;
  const known = countOf(replies, "replies");
  const count = Math.min(known ?? Infinity, limit);
  if (count === Infinity) return foreseen(params, UNKNOWN);
  const isPair = rule !== "rating";
  const calls = count * (isPair && orders === "both" ? 2 : 1) * seeds.length;
  const other = inputs.baseline.length > 0
    ? countOf(inputs.baseline[0], "replyBytes")
    : countOf(replies, "chosenBytes");
  const bytes = sum([
    await templateBytes(params),
    countOf(replies, "promptBytes"),
    countOf(replies, "replyBytes"),
    isPair ? other : 0,
  ]);
  const dollars = prices === undefined || bytes === null ? null : price({
    promptTokens: calls * bytes / BYTES_A_TOKEN,
    completionTokens: calls * maxTokens,
  }, prices);
  return foreseen(params, { count: calls, dollars, ...(known === null && { isAtMost: true }) });
};

function sum(values: readonly (number | null)[]): number | null {
  return values.reduce(
    (total, value) => total === null || value === null ? null : total + value,
    0,
  );
}

/**
 * Judging a benchmark's files: where they are there, the very requests are counted. Of answers that are
 * wired, as many calls as the benchmark takes, and texts as long as they are or may be.
 */
export const predictJudgingAnswers: PredictOf<typeof judgeAnswers> = async ({ params, inputs }) => {
  if (isOffline()) return {};
  if (Object.values(inputs).some((wired) => wired.length > 0)) {
    return foreseen(params, await callsForWired(params, inputs));
  }
  const { openAnswers } = await import("../judge_answers.ts");
  const { answerFiles } = await import("../answer_files.ts");
  const { judgeRequests } = await import("../../eval/judge/judge_items.ts");
  const { temperature, maxTokens, maxTokensField, seeds = [null], prices = null } = params;
  const sampling = { temperature, maxTokens, maxTokensField, topLogprobs: null };
  const calls = await orUnknown<Calls>(async () => {
    const { items, ...how } = await openAnswers(await answerFiles(params, () => []), params);
    const requests = judgeRequests(items, { ...how, model: "any", seeds, sampling });
    const { calls, dollars } = estimateCost(requests, prices);
    return { count: calls, dollars };
  }, UNKNOWN);
  return foreseen(params, calls, "tokens as their texts have them at most, about");
};

type AnswersInputs = Parameters<typeof predictJudgingAnswers>[0]["inputs"];

/** Calls for answers that nobody may have given yet, from the sizes of what is wired. */
async function callsForWired(
  params: ParamsOf<typeof judgeAnswers>,
  inputs: AnswersInputs,
): Promise<Calls> {
  const { benchmark, limit = Infinity, seeds = [null], prices, maxTokens } = params;
  const sizes = inputs.benchmark?.[0] ?? await sizesOfFiles(params);
  const [answers = null] = inputs.answers ?? [];
  const prompts = countOf(sizes, "prompts") ?? countOf(answers, "replies");
  // Who limits questions limits each one's turns.
  const questions = countOf(sizes, "questions");
  const turns = prompts !== null && questions !== null ? prompts / questions : TURNS[benchmark];
  const judged = Math.min(prompts ?? Infinity, limit * turns);
  if (judged === Infinity) return UNKNOWN;
  const count = judged * (benchmark === "mt-bench-pair" ? 2 : 1) * seeds.length;
  const answered = (port: readonly (Sizes | null)[] | undefined) =>
    countOf(port?.[0], "replyBytes");
  const other = benchmark === "mt-bench-single"
    ? 0
    : answered(inputs.baseline) ?? countOf(sizes, "baselineBytes");
  const shown = countOf(sizes, benchmark === "mt-bench-single" ? "gradeBytes" : "pairBytes");
  // Outputs that equal the baseline's are not asked about.
  const isAtMost = prompts === null || benchmark === "alpaca-eval";
  const own = sum([answered(inputs.answers), other]);
  const each = countOf(sizes, "answersShown");
  if (prices === undefined || shown === null || own === null || each === null) {
    return { count, dollars: null, ...(isAtMost && { isAtMost }) };
  }
  const promptTokens = count * (shown + each * own) / BYTES_A_TOKEN;
  const dollars = price({ promptTokens, completionTokens: count * maxTokens }, prices);
  return { count, dollars, ...(isAtMost && { isAtMost }) };
}

const TURNS = { "alpaca-eval": 1, "mt-bench-pair": 2, "mt-bench-single": 2 } as const;

/** What a benchmark's files come to, where they are named instead of wired. */
async function sizesOfFiles(params: ParamsOf<typeof judgeAnswers>): Promise<Sizes | null> {
  const { benchmark, baseline, questions, references, template } = params;
  if (template === undefined) return null;
  const files: BenchmarkFiles | null = benchmark === "alpaca-eval"
    ? baseline === undefined ? null : { benchmark, baseline, template }
    : questions === undefined || references === undefined
    ? null
    : { benchmark: "mt-bench", questions, references, template };
  if (files === null) return null;
  const { measureBenchmark } = await import("../../eval/benchmark.ts");
  return await orUnknown(async () => ({ ...await measureBenchmark(files) }), null);
}

function foreseen(
  { maxTokens }: Pick<ParamsOf<typeof judge>, "maxTokens">,
  calls: Calls,
  tokens = `a token for every ${BYTES_A_TOKEN} bytes, as English has at most`,
): Prediction {
  const answers = `answers of ${maxTokens.toLocaleString("en-US")} tokens`;
  return {
    calls,
    assumes: [`calls as if nothing was kept, ${tokens}, ${answers}`],
  };
}

/** The mean bytes of what the template says itself. */
async function templateBytes(params: ParamsOf<typeof judge>): Promise<number | null> {
  const { chooseTemplate } = await import("../../eval/judge/template.ts");
  const { template: path, templateName: name } = params;
  return await orUnknown(async () => {
    const { messages } = chooseTemplate(await openTemplates(params), { path, name });
    const encoder = new TextEncoder();
    return messages.reduce((sum, { content }) => sum + encoder.encode(content).length, 0);
  }, null);
}

/** What is wrong with a file is told by the stage that reads it. */
async function orUnknown<T>(work: () => Promise<T>, unknown: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InputError || error instanceof Deno.errors.NotFound) return unknown;
    throw error;
  }
}

/** Offline nothing is asked. The key is not read here. */
function isOffline(): boolean {
  return readJudgeSettings((name) => name === "JUDGE_API_KEY" ? undefined : Deno.env.get(name))
    .offline;
}
