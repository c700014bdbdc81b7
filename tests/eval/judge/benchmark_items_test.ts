import assert from "node:assert/strict";
import {
  alpacaItems,
  mtBenchItems,
  mtBenchTemplates,
} from "../../../eval/judge/benchmark_items.ts";
import type { JudgeTemplate } from "../../../eval/judge/template.ts";

const answer = (question_id: number, ...turns: string[]) => ({ question_id, choices: [{ turns }] });
const questions = [
  { question_id: 81, category: "writing", turns: ["w1", "w2"] },
  { question_id: 111, category: "math", turns: ["m1", "m2"] },
];

Deno.test("mtBenchItems() asks turn by turn, with references where the category has them", () => {
  const items = mtBenchItems({
    questions,
    answers: [[answer(111, "c", "d"), answer(81, "a", "b")]],
    references: [answer(111, "r1", "r2"), answer(81, "unused", "unused")],
  });
  assert.deepEqual(
    items.map(({ id, turn, references, answers }) => [id, turn, references, answers]),
    [
      ["81", 1, null, [["a", "b"]]],
      ["111", 1, ["r1", "r2"], [["c", "d"]]],
      ["81", 2, null, [["a", "b"]]],
      ["111", 2, ["r1", "r2"], [["c", "d"]]],
    ],
  );
});

Deno.test("mtBenchItems() names every question without an answer or a reference", () => {
  const answers = [[answer(81, "a", "b"), answer(111, "c")], [answer(111, "e", "f")]];
  assert.throws(() => mtBenchItems({ questions, answers, references: [] }), {
    name: "InputError",
    message: [
      "3 problems:",
      "  question 81: Expected an answer of system 2 with 2 turns but found none.",
      "  question 111: Expected a reference answer with 2 turns but found none.",
      "  question 111: Expected an answer of system 1 with 2 turns but found 1.",
    ].join("\n"),
  });
});

Deno.test("mtBenchTemplates() chooses among the four by turn and reference, and asks for all", () => {
  const names = [
    "single-v1",
    "single-math-v1",
    "single-v1-multi-turn",
    "single-math-v1-multi-turn",
  ];
  const templates = new Map(
    names.map((name): [string, JudgeTemplate] => [
      name,
      { name, digest: name, messages: [], slots: [] },
    ]),
  );
  const choose = mtBenchTemplates(templates, { kind: "single", path: "p.jsonl" });
  const item = { id: "1", category: null, questions: [], answers: [] };
  const chosen = [1, 2].flatMap((turn) =>
    [null, ["r"]].map((references) => choose({ ...item, turn, references }).name)
  );
  assert.deepEqual(chosen, names);
  assert.throws(() => mtBenchTemplates(templates, { kind: "pair", path: "p.jsonl" }), {
    name: "InputError",
    message: /^p\.jsonl: Expected the template pair-v2 but found only single-v1, /,
  });
});

Deno.test("alpacaItems() pairs outputs with the baseline's by instruction", () => {
  const row = (instruction: string, output: string, dataset?: string) => ({
    ...{ instruction, output, generator: "g" },
    ...(dataset === undefined ? {} : { dataset }),
  });
  const baseline = [row("say one", "1", "helpful"), row("say two", "2", "koala")];
  const items = alpacaItems([row("say two", "two"), row("say one", "one")], baseline);
  assert.deepEqual(items.map(({ id, category, answers }) => [id, category, answers]), [
    ["say two", "koala", [["2"], ["two"]]],
    ["say one", "helpful", [["1"], ["one"]]],
  ]);
  const wrong = [row("say one", "1"), row("say oen", "1"), row("say one", "2")];
  assert.throws(() => alpacaItems(wrong, baseline), {
    name: "InputError",
    message: "2 problems:\n" +
      '  output 2: Expected an instruction of the baseline but found another one. Did you mean "say one"?\n' +
      "  output 3: Expected each instruction once but found it twice.",
  });
});
