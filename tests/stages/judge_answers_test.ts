import assert from "node:assert/strict";
import { readAnnotations } from "../../eval/alpaca_eval/annotations.ts";
import { readPairJudgments, readSingleJudgments } from "../../eval/mt_bench/judgments.ts";
import judgeAnswers from "../../stages/judge_answers.ts";
import { ballastJson, type RunDocument } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { FakeJudge } from "../eval/judge/fake_judge.ts";

const jsonl = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** Files in the shapes of AlpacaEval and MT-Bench, with words of our own. */
async function writeFiles(folder: string): Promise<void> {
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  const outputs = (generator: string, output: string) =>
    JSON.stringify(
      ["one", "two", "three", "four"].map((word) => ({
        ...{ instruction: `Say ${word}`, output: `${output} ${word}`, generator, dataset: "own" },
      })),
    );
  await write("base.json", outputs("base", "short"));
  await write("ours.json", outputs("ours", "rather long"));
  await write(
    "clf.txt",
    "<|im_start|>user\n{instruction}\nm: {output_1}\nM: {output_2}\n<|im_end|>\n",
  );
  const answers = (model_id: string, word: string) =>
    jsonl([81, 111].map((question_id) => ({
      ...{ question_id, answer_id: `${question_id}`, model_id, tstamp: 1 },
      choices: [{ index: 0, turns: [`${word} 1`, `${word} 2`] }],
    })));
  await write("base.jsonl", answers("base", "short"));
  await write("ours.jsonl", answers("ours", "rather long"));
  await write("references.jsonl", answers("gpt", "right"));
  const questions = [[81, "writing"], [111, "math"]];
  await write(
    "questions.jsonl",
    jsonl(questions.map(([question_id, category]) => ({
      ...{ question_id, category, turns: [`ask ${question_id}`, "and then?"] },
    }))),
  );
  const prompts = ["pair-v2", "pair-math-v1", "single-v1", "single-math-v1"].flatMap((name) => {
    const [one, many] = name.startsWith("pair")
      ? ["A: {answer_a}\nB: {answer_b}", "A: {answer_a_1}{answer_a_2}\nB: {answer_b_1}{answer_b_2}"]
      : ["S: {answer}", "S: {answer_1} {answer_2}"];
    const reference = name.includes("math") ? "R: {ref_answer_1}\n" : "";
    return [[name, `{question}\n${reference}${one}`], [
      `${name}-multi-turn`,
      `{question_2}\n${reference}${many}`,
    ]];
  });
  await write(
    "prompts.jsonl",
    jsonl(prompts.map(([name, prompt_template]) => ({
      ...{ name, system_prompt: "Judge.", prompt_template },
    }))),
  );
}

const RECIPE = `recipe: answers
describe: Answers of benchmarks in files, judged.
stages:
  alpaca:
    uses: judge-answers
    params:
      benchmark: alpaca-eval
      answers: ours.json
      baseline: base.json
      template: clf.txt
      maxTokens: 1
      coverage: 1
  pairs:
    uses: judge-answers
    params:
      benchmark: mt-bench-pair
      answers: ours.jsonl
      baseline: base.jsonl
      questions: questions.jsonl
      references: references.jsonl
      template: prompts.jsonl
      maxTokens: 2048
      coverage: 1
  grades:
    uses: judge-answers
    params:
      benchmark: mt-bench-single
      answers: ours.jsonl
      questions: questions.jsonl
      references: references.jsonl
      template: prompts.jsonl
      maxTokens: 2048
      coverage: 1
`;

/** Prefers what is long, and gives it more. */
function verdict({ messages }: { messages: readonly { content: string }[] }) {
  const text = messages.at(-1)!.content;
  const [, first, second] = /\n(?:m|A): (.*)\n(?:M|B): (.*)$/.exec(text) ?? [];
  if (first === undefined) return text.includes("rather long") ? "Rating: [[8]]" : "Rating: [[2]]";
  const better = first.length > second.length ? 0 : 1;
  if (text.includes("\nm: ")) return better === 0 ? { m: 0.9, M: 0.1 } : { m: 0.1, M: 0.9 };
  return `[[${"AB"[better]}]]`;
}

Deno.test("judge-answers judges a benchmark's files as its harness does, and leaves the harness's files", async () => {
  await using scratch = await ScratchFolder.make();
  await writeFiles(scratch.path);
  await Deno.writeTextFile(`${scratch.path}/answers.yaml`, RECIPE);
  await using judge = new FakeJudge(verdict);
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
  assert.equal(annotations.length, 4);
  for (const row of annotations) {
    assert(Math.abs(row.preference! - 1.9) < 1e-12);
    assert.deepEqual([row.generator_1, row.generator_2], ["base", "ours"]);
    assert.equal(row.dataset, "own");
  }
  assert.equal(judge.seen.filter(({ body }) => body.logprobs).length, 4, "one order each");
  const pairs = await readPairJudgments(`${folder("pairs")}/mt_bench_pair.jsonl`);
  assert.deepEqual(
    pairs.map((row) => [row.question_id, row.turn, row.judge[1], row.g1_winner, row.g2_winner]),
    [
      [81, 1, "pair-v2", "model_2", "model_2"],
      [111, 1, "pair-math-v1", "model_2", "model_2"],
      [81, 2, "pair-v2-multi-turn", "model_2", "model_2"],
      [111, 2, "pair-math-v1-multi-turn", "model_2", "model_2"],
    ],
  );
  assert.match(pairs[1].g1_user_prompt as string, /^ask 111\nR: right 1\nA: short 1\nB: rather/);
  const grades = await readSingleJudgments(`${folder("grades")}/mt_bench_single.jsonl`);
  assert.deepEqual(grades.map(({ model, score }) => [model, score]), Array(4).fill(["ours", 8]));
  assert.equal(judge.seen.length, 4 + 8 + 4);
});

Deno.test("judge-answers says which files a benchmark needs", () => {
  const needs = (benchmark: string) => {
    const { error } = judgeAnswers.params.safeParse({
      ...{ benchmark, answers: "a", template: "t", maxTokens: 1, coverage: 1 },
    });
    return error!.issues.map(({ path }) => path.join("."));
  };
  assert.deepEqual(needs("alpaca-eval"), ["baseline"]);
  assert.deepEqual(needs("mt-bench-pair"), ["baseline", "questions", "references"]);
  assert.deepEqual(needs("mt-bench-single"), ["questions", "references"]);
});
