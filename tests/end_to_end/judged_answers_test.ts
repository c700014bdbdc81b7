import assert from "node:assert/strict";
import { join } from "node:path";
import { readModelOutputs } from "../../eval/alpaca_eval/model_outputs.ts";
import { readReplies } from "../../eval/reply_rows.ts";
import { readAnswers } from "../../eval/mt_bench/answers.ts";
import { writeSmallModel } from "../cli/small_model.ts";
import { FakeJudge } from "../eval/judge/fake_judge.ts";
import { longerIsBetter, writeBenchmarks } from "../eval/judge/own_benchmarks.ts";
import { ballast, ballastJson, digestsOf, type RunDocument } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const RECIPE = `recipe: benchmarks
describe: A small model's answers to two benchmarks, judged and scored.
stages:
  model: { uses: base-model, params: { path: folder } }

  mt-bench:
    uses: read-benchmark
    params:
      benchmark: mt-bench
      path: files
      questions: question.jsonl
      references: reference_answer_gpt-4.jsonl
      template: judge_prompts.jsonl
  answer:
    uses: generate
    inputs: { policy: model.model, benchmark: mt-bench }
    params: &answer { system: greedy, maxNewTokens: 6, threads: 1 }
  answer-drawn:
    uses: generate
    inputs: { policy: model.model, benchmark: mt-bench }
    params: { system: drawn, temperature: 2, maxNewTokens: 12, threads: 1 }
  grade:
    uses: judge-answers
    inputs: { answers: answer, benchmark: mt-bench }
    params: { benchmark: mt-bench-single, maxTokens: 2048, coverage: 1 }
  duel:
    uses: judge-answers
    inputs: { answers: answer-drawn, baseline: answer, benchmark: mt-bench }
    params: { benchmark: mt-bench-pair, maxTokens: 2048, coverage: 1 }
  score:
    uses: score-mt-bench
    inputs: { judgments: [grade, duel] }

  alpaca-eval:
    uses: read-benchmark
    params:
      benchmark: alpaca-eval
      path: files
      baseline: base.json
      template: alpaca_eval_clf.txt
  output:
    uses: generate
    inputs: { policy: model.model, benchmark: alpaca-eval }
    params: *answer
  annotate:
    uses: judge-answers
    inputs: { answers: output, benchmark: alpaca-eval }
    params: { benchmark: alpaca-eval, maxTokens: 1, coverage: 1 }
  score-alpaca:
    uses: score-alpaca-eval
    inputs: { judgments: annotate }
    params: { difficulty: files/difficulty.jsonl }

  report:
    inputs: { scores: [score, score-alpaca] }
    params: { title: Benchmarks }
`;

Deno.test("a model answers benchmarks, a judge judges, tables follow; again, and offline elsewhere, from what is kept", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  await Deno.mkdir(join(scratch.path, "files"));
  await writeBenchmarks(join(scratch.path, "files"));
  await Deno.writeTextFile(join(scratch.path, "benchmarks.yaml"), RECIPE);
  await using judge = new FakeJudge(longerIsBetter);
  const environment = { JUDGE_BASE_URL: judge.baseUrl, JUDGE_MODEL: "some-judge" };
  const online = { folder: scratch.path, environment };
  const args = (store: string, ...more: string[]) => [
    ...["reproduce", "--recipe", "benchmarks.yaml", "--store", store, ...more],
  ];
  const run = await ballastJson<RunDocument>(args("store"), online);
  const folder = (id: string, port: string) => {
    const digest = digestsOf(run)[`${id}:${port}`];
    return join(scratch.path, "store/objects", digest.slice(0, 2), digest);
  };

  const answers = await readAnswers(join(folder("answer", "replies"), "model_answer.jsonl"));
  const replies = await readReplies(folder("answer", "replies"));
  assert.deepEqual(replies.map(({ id }) => id), ["81", "81, turn 2", "111", "111, turn 2"]);
  const [first, second] = answers[0].choices[0].turns;
  assert.deepEqual(replies[1].prompt.map(({ content }) => content), ["ask 81", first, "and then?"]);
  assert.deepEqual([answers[0].model_id, replies[1].text], ["greedy", second]);
  const outputs = await readModelOutputs(join(folder("output", "replies"), "model_outputs.json"));
  assert.deepEqual(outputs.map(({ generator }) => generator), Array(6).fill("greedy"));

  const asked = judge.seen.map(({ body }) => body.messages.at(-1)!.content);
  const shownTo = (text: string) => asked.filter((content) => content.startsWith(text));
  assert.equal(shownTo("ask 111\nR: right 1\nS: ").length, 1, "graded beside the reference");
  assert.equal(shownTo("ask 111\nR: right 1\nA: ").length, 2, "in both orders");
  assert.equal(judge.seen.filter(({ body }) => body.logprobs).length, 6);
  assert.deepEqual([...judge.answers().values()], Array(4 + 8 + 6).fill(1));

  const table = (store: string) =>
    Deno.readTextFile(join(scratch.path, store, "reports/benchmarks/table.txt"));
  const printed = await table("store");
  for (
    const row of [
      ...[/^drawn over greedy +\d+ +\d+ +\d+ +\d/m, /^greedy +\d+\.\d{3} ± /m],
      /AlpacaEval 2\.0/,
    ]
  ) assert.match(printed, row);

  const again = await ballast(args("store"), online);
  assert.deepEqual([again.code, again.stdout], [0, printed]);
  await Deno.mkdir(join(scratch.path, "elsewhere"));
  await Deno.rename(
    join(scratch.path, "store/judgments"),
    join(scratch.path, "elsewhere/judgments"),
  );
  // The address would answer; nothing may ask it.
  const offline = await ballast(args("elsewhere", "--offline"), online);
  assert.deepEqual([offline.code, offline.stdout], [0, printed], offline.stderr);
  assert.equal(await table("elsewhere"), printed);
  const remembered = await ballastJson<RunDocument>(args("elsewhere", "--offline"), online);
  assert.deepEqual(digestsOf(remembered), digestsOf(run));
  assert.equal(judge.seen.length, 18, "everything was asked once");
});

Deno.test("generate says what must be wired, and what a benchmark's files are called by", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  await Deno.mkdir(join(scratch.path, "files"));
  await writeBenchmarks(join(scratch.path, "files"));
  const refused = async (recipe: string, message: RegExp) => {
    await Deno.writeTextFile(join(scratch.path, "benchmarks.yaml"), recipe);
    const args = ["plan", "--to", "answer", "--recipe", "benchmarks.yaml", "--store", "store"];
    const { code, stderr } = await ballast(args, { folder: scratch.path });
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  };
  await refused(
    RECIPE.replace("{ system: greedy, ", "{ "),
    /answer\.params\.system: Missing\. Expected the model's name in the benchmark's files\./,
  );
  const { length } = "params: &answer { system: greedy, ";
  const at = RECIPE.indexOf("params: &answer { system: greedy, ") + length;
  const withTemperatures = `${RECIPE.slice(0, at)}temperatures: { writing: 0.7 }, ${
    RECIPE.slice(at)
  }`;
  await refused(
    withTemperatures.replace("temperatures:", "temperature: 1, temperatures:"),
    /answer\.params\.temperatures: Expected no temperatures of categories, since temperature is given\./,
  );
  await refused(
    RECIPE.replace("policy: model.model, benchmark: mt-bench }", "policy: model.model }"),
    /answer\.params\.system: Expected either pairs or a benchmark to be wired but found neither\./,
  );
});
