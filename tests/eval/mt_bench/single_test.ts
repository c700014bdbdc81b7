import assert from "node:assert/strict";
import type { SingleJudgment } from "../../../eval/mt_bench/judgments.ts";
import { mtBenchCategory } from "../../../eval/mt_bench/questions.ts";
import { scoreSingle } from "../../../eval/mt_bench/single.ts";

const path = "grades.jsonl";

function grade(model: string, question_id: number, scores: readonly number[]): SingleJudgment[] {
  return scores.map((score, i) => ({
    question_id,
    turn: i + 1,
    judge: ["gpt-4", "single-v1"],
    model,
    score,
  }));
}

const grades = [
  ...grade("weak", 160, [2, 1]),
  ...grade("strong", 160, [10, 9]),
  ...grade("strong", 81, [8, 5]),
  ...grade("weak", 81, [4, -1]),
];

Deno.test("scoreSingle() gives means by model, turn and category, the best model first", () => {
  const scores = scoreSingle(grades, { path });
  const figures = scores.map(({ standardError: _, ci95: __, ...rest }) => rest);
  assert.deepEqual(figures, [
    {
      model: "strong",
      mean: 8,
      turn1: 9,
      turn2: 7,
      categories: { writing: 6.5, humanities: 9.5 },
      n: 4,
      unreadable: 0,
    },
    {
      model: "weak",
      mean: 7 / 3,
      turn1: 3,
      turn2: 1,
      categories: { writing: 4, humanities: 1.5 },
      n: 3,
      unreadable: 1,
    },
  ]);
  assert.deepEqual(
    Object.keys(scoreSingle(grades, { path })[0].categories),
    ["writing", "humanities"],
    "in the order of the questions",
  );
  // Sums of grades by question, off what the mean would give: ±3 in each of two, and ±5/3.
  const errors = [Math.sqrt(18) / 4, Math.sqrt(50 / 9) / 3];
  scores.forEach(({ standardError, ci95, mean }, i) => {
    assert.ok(Math.abs(standardError! - errors[i]) < 1e-12);
    assert.ok(ci95![0] <= mean && mean <= ci95![1]);
  });
});

Deno.test("scoreSingle() takes categories from questions where they are given", () => {
  const questions = [81, 160].map((question_id) => ({ question_id, category: "all", turns: [] }));
  assert.deepEqual(scoreSingle(grades, { path, questions })[0].categories, { all: 8 });
});

Deno.test("scoreSingle() has no second turn where there is none, and no model without a grade", () => {
  const rows = [...grade("one", 81, [7]), ...grade("none", 81, [-1])];
  const scores = scoreSingle(rows, { path });
  assert.deepEqual(scores.map(({ model, turn2 }) => [model, turn2]), [["one", null]]);
});

Deno.test("scoreSingle() gives no categories of prompts none of which is MT-Bench's, as a recipe's own", () => {
  const rows = [...grade("m", 7, [5]), ...grade("m", 200, [8])];
  const own = rows.map((row) => ({ ...row, question_id: `prompt-${row.question_id}` }));
  for (const each of [rows, own]) {
    const [{ mean, turn1, n, categories }] = scoreSingle(each, { path });
    assert.deepEqual([mean, turn1, n, categories], [6.5, 6.5, 2, {}]);
  }
});

Deno.test("scoreSingle() refuses questions of no known category and turns graded twice", () => {
  assert.throws(() => scoreSingle([...grades, ...grade("m", 7, [5])], { path }), {
    name: "InputError",
    message: "grades.jsonl: Expected a question from 81 to 160, or --questions to say its " +
      "category, but found 7.",
  });
  assert.throws(() => scoreSingle([...grades, ...grades.slice(0, 1)], { path }), {
    message: "grades.jsonl: Expected question 160, turn 1, of weak once but found it again.",
  });
});

Deno.test("mtBenchCategory() knows the eight tens of questions and no other", () => {
  assert.deepEqual(
    [80, 81, 90, 91, 131, 160, 161, "x"].map(mtBenchCategory),
    [undefined, "writing", "writing", "roleplay", "extraction", "humanities", undefined, undefined],
  );
});
