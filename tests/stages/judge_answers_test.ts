import assert from "node:assert/strict";
import { jsonLines } from "../../core/json.ts";
import { readAnnotations } from "../../eval/alpaca_eval/annotations.ts";
import { readPairJudgments, readSingleJudgments } from "../../eval/mt_bench/judgments.ts";
import { readQuestions } from "../../eval/mt_bench/questions.ts";
import { schemaProblems } from "../../pipeline/schema_problems.ts";
import judge from "../../stages/judge.ts";
import judgeAnswers from "../../stages/judge_answers.ts";
import { ballastJson, type RunDocument } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { FakeJudge } from "../eval/judge/fake_judge.ts";
import {
  longerIsBetter,
  modelAnswers,
  modelOutputs,
  writeBenchmarks,
} from "../eval/judge/own_benchmarks.ts";

const RECIPE = `recipe: answers
describe: Answers of benchmarks in files, judged.
stages:
  alpaca:
    uses: judge-answers
    params:
      benchmark: alpaca-eval
      answers: ours.json
      baseline: base.json
      template: alpaca_eval_clf.txt
      maxTokens: 1
      coverage: 1
  pairs:
    uses: judge-answers
    params:
      benchmark: mt-bench-pair
      answers: ours.jsonl
      baseline: base.jsonl
      questions: question.jsonl
      references: reference_answer_gpt-4.jsonl
      template: judge_prompts.jsonl
      maxTokens: 2048
      coverage: 1
  grades:
    uses: judge-answers
    params:
      benchmark: mt-bench-single
      answers: ours.jsonl
      questions: question.jsonl
      references: reference_answer_gpt-4.jsonl
      template: judge_prompts.jsonl
      maxTokens: 2048
      coverage: 1
`;

Deno.test("judge-answers judges a benchmark's files as its harness does, and leaves the harness's files", async () => {
  await using scratch = await ScratchFolder.make();
  await writeBenchmarks(scratch.path);
  const write = (name: string, text: string) => Deno.writeTextFile(`${scratch.path}/${name}`, text);
  const [same] = modelOutputs("ours", "short");
  const [, ...others] = modelOutputs("ours", "rather long");
  await write("ours.json", JSON.stringify([same, ...others]));
  const [, answers] = modelAnswers("ours", "rather long");
  await write("ours.jsonl", jsonLines([modelAnswers("ours", "short")[0], answers]));
  await write("base.jsonl", jsonLines(modelAnswers("base", "short")));
  await write("answers.yaml", RECIPE);
  await using judge = new FakeJudge(longerIsBetter);
  const environment = { JUDGE_BASE_URL: judge.baseUrl, JUDGE_MODEL: "some-judge" };
  const run = await ballastJson<RunDocument>(
    ["run", "alpaca", "pairs", "grades", "--recipe", "answers.yaml", "--store", "store"],
    { folder: scratch.path, environment },
  );
  const folder = (id: string) => {
    const { digest } = run.stages.find((stage) => stage.id === id)!.outputs.judgments;
    return `${scratch.path}/store/objects/${digest.slice(0, 2)}/${digest}`;
  };
  const annotations = await readAnnotations(`${folder("alpaca")}/annotations.json`);
  assert.equal(annotations.length, 6);
  const [equal, ...asked] = annotations;
  assert.deepEqual([equal.output_1, equal.output_2], ["short one", "short one"]);
  assert.deepEqual([equal.preference, equal.raw_completion], [1.5, null], "not asked about");
  for (const row of asked) {
    assert(Math.abs(row.preference! - 1.9) < 1e-12);
    assert.deepEqual([row.generator_1, row.generator_2], ["base", "ours"]);
    assert.equal(row.dataset, "own");
  }
  assert.equal(judge.seen.filter(({ body }) => body.logprobs).length, 5, "one order each");
  const pairs = await readPairJudgments(`${folder("pairs")}/mt_bench_pair.jsonl`);
  assert.deepEqual(
    pairs.map((row) => [row.question_id, row.turn, row.judge[1], row.g1_winner, row.g2_winner]),
    [
      // Equal answers are asked about, as FastChat does.
      [81, 1, "pair-v2", "tie", "tie"],
      [111, 1, "pair-math-v1", "model_2", "model_2"],
      [81, 2, "pair-v2-multi-turn", "tie", "tie"],
      [111, 2, "pair-math-v1-multi-turn", "model_2", "model_2"],
    ],
  );
  assert.match(pairs[1].g1_user_prompt as string, /^ask 111\nR: right 1\nA: short 1\nB: rather/);
  const grades = await readSingleJudgments(`${folder("grades")}/mt_bench_single.jsonl`);
  assert.deepEqual(grades.map(({ model, score }) => [model, score]), [
    ...[["ours", 8], ["ours", 10], ["ours", 10], ["ours", 10]],
  ]);
  for (const files of ["pairs", "grades"]) {
    const questions = await readQuestions(`${folder(files)}/mt_bench_question.jsonl`);
    assert.deepEqual(
      questions.map(({ question_id, turns, reference }) => [question_id, turns.length, reference]),
      [[81, 2, undefined], [111, 2, ["right 1", "right 2"]]],
    );
  }
  assert.equal(judge.seen.length, 5 + 8 + 4);
});

Deno.test("judge-answers says which files a benchmark needs", () => {
  const needs = (benchmark: string, wired: string[] = [], named: Record<string, string> = {}) => {
    const files = { benchmark, ...named };
    const params = { ...files, model: "some-judge", maxTokens: 1, coverage: 1 };
    const port = (name: string) => wired.includes(name) ? [{ from: name, axes: {} }] : [];
    return judgeAnswers.checkInputs!(judgeAnswers.params.parse(params), {
      answers: port("answers"),
      baseline: port("baseline"),
      benchmark: port("benchmark"),
    }).map(({ path, message }) => `${path}: ${message}`);
  };
  const paths = (problems: string[]) => problems.map((problem) => problem.split(":")[0]);
  const named = { answers: "a", template: "t" };
  assert.deepEqual(needs("alpaca-eval", [], named), [
    "baseline: Missing. Expected a file of answers to compare with, or what gives it to be wired.",
  ]);
  assert.deepEqual(paths(needs("mt-bench-pair", [], named)), [
    "baseline",
    "questions",
    "references",
  ]);
  assert.deepEqual(paths(needs("mt-bench-single", [], named)), ["questions", "references"]);
  assert.deepEqual(needs("alpaca-eval", ["answers", "benchmark"]), []);
  assert.deepEqual(needs("alpaca-eval", ["answers", "baseline", "benchmark"]), []);
  assert.deepEqual(paths(needs("mt-bench-pair", ["answers", "benchmark"])), ["baseline"]);
  assert.deepEqual(needs("mt-bench-single", ["answers", "baseline", "benchmark"]), [
    "benchmark: Expected mt-bench-pair, since a baseline is wired, but found mt-bench-single.",
  ]);
  assert.deepEqual(needs("mt-bench-single", ["answers", "benchmark"], { template: "t" }), [
    "template: Expected no file, since benchmark is wired.",
  ]);
});

Deno.test("a budget in money without prices is refused, and says why", () => {
  const asked = { model: "some-judge", maxTokens: 1, coverage: 1, budget: { dollars: 20 } };
  const replies = { rule: "choice", system: "ours", template: "t" };
  const message = "Missing. Expected prices per million tokens, since budget.dollars is given.";
  for (
    const [{ params }, given] of [
      [judge, { ...asked, ...replies }],
      [judgeAnswers, { ...asked, benchmark: "alpaca-eval" }],
    ] as const
  ) {
    assert.deepEqual(schemaProblems(params, given, ""), [{ path: "prices", message }]);
    const prices = { input: 10, output: 30 };
    assert.deepEqual(schemaProblems(params, { ...given, prices }, ""), []);
  }
});
