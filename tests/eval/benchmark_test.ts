import assert from "node:assert/strict";
import { join } from "node:path";
import { readModelOutputs } from "../../eval/alpaca_eval/model_outputs.ts";
import {
  type BenchmarkFiles,
  keepBenchmark,
  measureBenchmark,
  openBenchmark,
  readConversations,
  writeAnswers,
} from "../../eval/benchmark.ts";
import { readAnswers } from "../../eval/mt_bench/answers.ts";
import readBenchmark from "../../stages/read_benchmark.ts";
import { runStage, temporaryFolder } from "../stages/run_stage.ts";
import { SHARED, sharedTest } from "../shared.ts";
import { writeBenchmarks } from "./judge/own_benchmarks.ts";

const MT_BENCH = {
  benchmark: "mt-bench",
  questions: "question.jsonl",
  references: "reference_answer_gpt-4.jsonl",
  template: "judge_prompts.jsonl",
} as const satisfies BenchmarkFiles;
const ALPACA_EVAL = {
  benchmark: "alpaca-eval",
  baseline: "base.json",
  template: "alpaca_eval_clf.txt",
} as const satisfies BenchmarkFiles;

async function kept(files: BenchmarkFiles): Promise<BenchmarkFiles> {
  const [from, into] = [await temporaryFolder(), await temporaryFolder()];
  await writeBenchmarks(from);
  await keepBenchmark(files, { from, into });
  return await openBenchmark(into);
}

Deno.test("MT-Bench's questions are conversations of two turns, its answers FastChat's file", async () => {
  const files = await kept(MT_BENCH);
  assert.deepEqual(await readConversations(files), [
    { id: "81", category: "writing", opening: "ask 81", followUps: ["and then?"] },
    { id: "111", category: "math", opening: "ask 111", followUps: ["and then?"] },
  ]);
  // "ask 81", with "and then?" after it, and as much of the other.
  const { pairBytes, gradeBytes, ...sizes } = await measureBenchmark(files);
  assert.deepEqual(sizes, {
    questions: 2,
    prompts: 4,
    promptCharacters: (6 + 15 + 7 + 16) / 4,
    answersShown: 1.5,
  });
  assert(pairBytes > gradeBytes, "what names the two answers is in the template");
  const folder = await temporaryFolder();
  await writeAnswers(folder, files, { answers: [["a", "b"], ["c", "d"]], system: "ours" });
  const answers = await readAnswers(join(folder, "model_answer.jsonl"));
  assert.deepEqual(
    answers.map(({ question_id, model_id, choices }) => [question_id, model_id, choices[0].turns]),
    [[81, "ours", ["a", "b"]], [111, "ours", ["c", "d"]]],
  );
  const ids = answers.map(({ answer_id }) => answer_id);
  assert(ids.every((id) => /^[0-9a-f]{22}$/.test(id)) && ids[0] !== ids[1]);
});

Deno.test("AlpacaEval's instructions are asked once each, its answers model outputs", async () => {
  const files = await kept(ALPACA_EVAL);
  const conversations = await readConversations(files);
  assert.deepEqual(conversations.slice(0, 2), [
    { id: "instruction 1", category: "own", opening: "Say one", followUps: [] },
    { id: "instruction 2", category: "own", opening: "Say two", followUps: [] },
  ]);
  const folder = await temporaryFolder();
  await writeAnswers(folder, files, { answers: [["a"], ["b"]], system: "ours" });
  assert.deepEqual(await readModelOutputs(join(folder, "model_outputs.json")), [
    { dataset: "own", instruction: "Say one", output: "a", generator: "ours" },
    { dataset: "own", instruction: "Say two", output: "b", generator: "ours" },
  ]);
});

Deno.test("read-benchmark tells what is wrong with every file at once, and takes none from elsewhere", async () => {
  const path = await temporaryFolder();
  await writeBenchmarks(path);
  await Deno.writeTextFile(
    join(path, "question.jsonl"),
    '{"question_id": 81, "category": "writing", "turns": []}\n',
  );
  await Deno.remove(join(path, MT_BENCH.references));
  const prompts = (await Deno.readTextFile(join(path, MT_BENCH.template))).split("\n");
  await Deno.writeTextFile(join(path, MT_BENCH.template), prompts.slice(1).join("\n"));
  await assert.rejects(runStage(readBenchmark, { path, ...MT_BENCH }), (error: Error) => {
    for (
      const problem of [
        /question\.jsonl:1: turns: Expected a text for each turn, at least one,/,
        /reference_answer_gpt-4\.jsonl: Expected a file of answers but found none/,
        /judge_prompts\.jsonl: Expected the template pair-v2 but found only/,
      ]
    ) assert.match(error.message, problem);
    return true;
  });
  const outside = readBenchmark.params.safeParse({ path, ...MT_BENCH, questions: "../q.jsonl" });
  assert.deepEqual(outside.error!.issues.map((issue) => issue.path), [["questions"]]);
});

sharedTest("read-benchmark takes MT-Bench's own files", "data/mt_bench", async () => {
  const ran = await runStage(readBenchmark, { path: join(SHARED, "data/mt_bench"), ...MT_BENCH });
  const files = await openBenchmark(ran.output("benchmark"));
  const { prompts } = await measureBenchmark(files);
  assert.equal(prompts, 160);
  const opened = (await Deno.readTextFile(join(ran.output("prompts"), "prompts.jsonl"))).trim();
  assert.equal(opened.split("\n").length, 80);
});

sharedTest("read-benchmark takes AlpacaEval's own files", "data/alpaca_eval", async () => {
  const ran = await runStage(readBenchmark, {
    path: join(SHARED, "data/alpaca_eval"),
    benchmark: "alpaca-eval",
    baseline: "baseline_gpt4_1106_preview_outputs.json.gz",
    template: "judge/alpaca_eval_clf.txt",
  });
  const { prompts } = await measureBenchmark(await openBenchmark(ran.output("benchmark")));
  assert.equal(prompts, 805);
});
