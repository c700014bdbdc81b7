import assert from "node:assert/strict";
import { mergePrompts, type PromptRecord } from "../../core/prompt_record.ts";
import type { Judged } from "../../eval/judge/judgment.ts";
import { judgedPrompts } from "../../eval/judge/judged_prompts.ts";
import { jsonScript } from "../../reports/json_script.ts";
import { renderReport } from "../../reports/html_report.ts";
import { injections } from "./injection_corpus.ts";
import { reportFixture } from "./report_fixture.ts";

const judgment = (id: string, turn: number, swapped: boolean, value: number | null) => ({
  ...{
    id,
    turn,
    swapped,
    value,
    seed: null,
    template: "pair",
    request: "00",
    prompt: "",
    raw: null,
  },
  state: value === null ? "failed" as const : "scored" as const,
  reason: null,
});

const judged: Judged = {
  kind: "pair",
  systems: ["ref", "dpo"],
  judge: "some-judge",
  rule: { kind: "choice" },
  templates: {},
  coverage: { all: 3, scored: 2, unparseable: 0, failed: 1, unasked: 0 },
  items: [
    {
      ...{ id: "81", turn: 1, category: "writing", questions: ["q"], references: null },
      answers: [["one"], ["two"]],
    },
    {
      ...{ id: "81", turn: 2, category: null, questions: ["q", "r"], references: null },
      answers: [["one", "three"], ["two", "four"]],
    },
  ],
  judgments: [
    judgment("81", 1, false, 1),
    judgment("81", 1, true, 0.5),
    judgment("81", 2, false, null),
  ],
};

Deno.test("judgedPrompts() says of a judge without orders that either one was shown first", () => {
  const gold: Judged = { ...judged, judge: "gold", rule: { kind: "gold" } };
  const [{ verdicts }] = judgedPrompts({ ...gold, judgments: gold.judgments.slice(0, 1) });
  assert.deepEqual(verdicts, [
    { judge: "gold", systems: ["ref", "dpo"], swapped: null, value: 1 },
  ]);
});

Deno.test("mergePrompts() keeps a score that either place knows, and a verdict once", () => {
  const verdict = { judge: "gold", systems: ["a", "b"], swapped: null, value: 1 };
  const reply = (system: string, score: number | null) => ({ system, text: system, score });
  const merged = mergePrompts([
    { prompt: "p", replies: [reply("a", null), reply("b", null)], verdicts: [verdict] },
    { prompt: "p", replies: [reply("a", 1), reply("c", 0)], verdicts: [verdict] },
  ]);
  assert.deepEqual(merged, [
    { prompt: "p", replies: [reply("a", 1), reply("b", null), reply("c", 0)], verdicts: [verdict] },
  ]);
});

Deno.test("judgedPrompts() keeps both orders' verdicts with the texts up to the judged turn", () => {
  const [first, second] = judgedPrompts(judged);
  assert.deepEqual(first, {
    prompt: "q",
    category: "writing",
    replies: [
      { system: "ref", text: "one", score: null },
      { system: "dpo", text: "two", score: null },
    ],
    verdicts: [false, true].map((swapped) => ({
      ...{ judge: "some-judge", systems: ["ref", "dpo"], swapped, value: swapped ? 0.5 : 1 },
    })),
  });
  assert.equal(second.prompt, "Turn 1: q\n\nTurn 2: r");
  assert.equal(second.replies[1].text, "Turn 1: two\n\nTurn 2: four");
  assert.equal(second.verdicts![0].value, null);
  assert.ok(!("category" in second));
});

Deno.test("mergePrompts() joins what is told of one prompt, and keeps another seed's replies apart", () => {
  const reply = (system: string, text: string) => ({ system, text, score: null });
  const records: PromptRecord[] = [
    { prompt: "a", replies: [reply("ref", "x"), reply("dpo", "y")] },
    { prompt: "a", category: "kind", replies: [reply("ref", "x"), reply("rpo", "z")] },
    { prompt: "a", replies: [reply("ref", "other")] },
    { prompt: "b", replies: [] },
  ];
  const merged = mergePrompts(records);
  assert.deepEqual(merged.map(({ replies }) => replies.map(({ system }) => system)), [
    ["ref", "dpo", "rpo"],
    ["ref"],
    [],
  ]);
  assert.equal(merged[0].category, "kind");
});

Deno.test("jsonScript() lets no text end the block, and gives back what is to be seen", () => {
  for (const text of Object.values(injections)) {
    const block = jsonScript("data", { text });
    const inner = /^<script type="application\/json" id="data">(.*)<\/script>$/s.exec(block)![1];
    assert.doesNotMatch(inner, /[<>&]|(?![\n\t])\p{Cc}|\p{Cf}/u);
    assert.equal(typeof JSON.parse(inner).text, "string");
  }
  assert.equal(JSON.parse(/>(".*")</.exec(jsonScript("d", "<b>&"))![1]), "<b>&");
});

Deno.test("renderReport() browses judged prompts and examples together, and has the first for readers without scripts", () => {
  const input = { ...reportFixture(), prompts: judgedPrompts(judged) };
  const page = renderReport(input, null);
  const data = JSON.parse(/id="prompt-data">(.*?)<\/script>/s.exec(page)![1]);
  assert.equal(data.records.length, 4);
  assert.deepEqual(data.pair, ["ref", "dpo"]);
  assert.equal(page.match(/<noscript>(.*)<\/noscript>/s)![1].match(/<article/g)!.length, 4);
  const without = renderReport(reportFixture(), null);
  assert.deepEqual(JSON.parse(/id="prompt-data">(.*?)<\/script>/s.exec(without)![1]).pair, [
    "dpo",
    "rpo-sum",
  ]);
});
