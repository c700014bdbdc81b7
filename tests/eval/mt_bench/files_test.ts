import assert from "node:assert/strict";
import { jsonLines } from "../../../core/json.ts";
import { join } from "node:path";
import { readAnswers } from "../../../eval/mt_bench/answers.ts";
import { readPairJudgments, readSingleJudgments } from "../../../eval/mt_bench/judgments.ts";
import { mtBenchCategory, readQuestions } from "../../../eval/mt_bench/questions.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { SHARED, sharedTest } from "../../shared.ts";

const question = {
  question_id: 101,
  category: "reasoning",
  turns: ["One?", "Two?"],
  reference: ["1"],
};
const answer = {
  question_id: 101,
  answer_id: "abc",
  model_id: "rpo",
  choices: [{ index: 0, turns: ["One.", 'Two: [[10]] "é"\u2028.'] }],
  tstamp: 1715982956.6,
};
const single = {
  question_id: 101,
  model: "rpo",
  judge: ["gpt-4", "single-math-v1"],
  user_prompt: "…",
  judgment: "Rating: [[9]]",
  score: 9,
  turn: 1,
  tstamp: 1,
};
const pair = {
  question_id: 101,
  model_1: "dpo",
  model_2: "rpo",
  g1_winner: "tie",
  g2_winner: "model_2",
  judge: ["gpt-4", "pair-math-v1"],
  g1_judgment: "[[C]]",
  turn: 2,
  tstamp: 1,
};

const KINDS = [
  { what: "questions", read: readQuestions, row: question },
  { what: "answers", read: readAnswers, row: answer },
  { what: "grades", read: readSingleJudgments, row: single },
  { what: "pairwise judgments", read: readPairJudgments, row: pair },
];

async function written(text: string, scratch: ScratchFolder): Promise<string> {
  const path = join(scratch.path, "rows.jsonl");
  await Deno.writeTextFile(path, text);
  return path;
}

for (const { what, read, row } of KINDS) {
  Deno.test(`${what} come back as they were written, and an empty file is refused`, async () => {
    await using scratch = await ScratchFolder.make();
    const rows = [row, { ...row, question_id: 102 }];
    assert.deepEqual(await read(await written(jsonLines(rows), scratch)), rows);
    const message = /Expected rows of .* but found an empty file/;
    await assert.rejects(read(await written("", scratch)), { name: "InputError", message });
  });
}

Deno.test("every bad row is named by line and field", async () => {
  await using scratch = await ScratchFolder.make();
  const path = await written(
    jsonLines([{ ...pair, g1_winner: "model2" }, pair, { ...pair, turn: 0, judge: "gpt-4" }]) + "{",
    scratch,
  );
  await assert.rejects(readPairJudgments(path), {
    message: [
      "4 problems:",
      `  ${path}:1: g1_winner: Expected model_1, model_2, tie or error but found "model2". Did you ` +
      'mean "model_2"?',
      `  ${path}:3: turn: Expected an integer of at least 1 but found 0.`,
      `  ${path}:3: judge: Expected a list of texts but found "gpt-4".`,
      `  ${path}:4: Expected a JSON object but found "{".`,
    ].join("\n"),
  });
  const grades = await written(jsonLines([{ ...single, score: 11 }]), scratch);
  await assert.rejects(readSingleJudgments(grades), /:1: score: .* from 0 to 10 but found 11/);
  const answers = await written(jsonLines([{ ...answer, choices: [{ index: 0 }] }]), scratch);
  await assert.rejects(
    readAnswers(answers),
    /choices: Expected a list of choices \{index, turns\}/,
  );
});

sharedTest(
  "FastChat's own files are read, and ids tell the categories",
  "data/mt_bench",
  async () => {
    const inData = (name: string) => join(SHARED, "data/mt_bench", name);
    const questions = await readQuestions(inData("question.jsonl"));
    assert.equal(questions.length, 80);
    for (const { question_id, category, turns } of questions) {
      assert.equal(mtBenchCategory(question_id), category);
      assert.equal(turns.length, 2);
    }
    const references = await readAnswers(inData("reference_answer_gpt-4.jsonl"));
    const guided = new Set(references.map(({ question_id }) => mtBenchCategory(question_id)));
    assert.deepEqual([...guided].sort(), ["coding", "math", "reasoning"]);
  },
);

sharedTest("the authors' answers are read", "data/rpo_paper", async () => {
  const folder = join(SHARED, "data/rpo_paper/mt_bench/model_answer");
  for await (const { name } of Deno.readDir(folder)) {
    const answers = await readAnswers(join(folder, name));
    assert.equal(answers.length, 80);
    assert.deepEqual(new Set(answers.map(({ model_id }) => `${model_id}.jsonl`)), new Set([name]));
  }
});
