import assert from "node:assert/strict";
import { join } from "node:path";
import { readJudged, writeJudged } from "../../../eval/judge/judged_files.ts";
import type { Judged } from "../../../eval/judge/judgment.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { judgedPairs } from "./judged_pairs.ts";

const ONE = judgedPairs([[1, 0.5], [0, null]]);

Deno.test("readJudged() gives what writeJudged() wrote, of any rule, and of none too", async () => {
  const given: Judged[] = [
    ONE,
    judgedPairs([[0.25]], { rule: { kind: "logprobs", tokens: ["m", "M"] } }),
    judgedPairs([[1]], { rule: { kind: "gold" } }),
    judgedPairs([]),
  ];
  for (const judged of given) {
    await using scratch = await ScratchFolder.make();
    await writeJudged(scratch.path, judged);
    assert.deepEqual(await readJudged(scratch.path), judged);
  }
});

const [item] = ONE.items;
const [judgment] = ONE.judgments;
const { items: _, judgments: __, ...summary } = ONE;

/** What is done to a file, and what is then said of it; `FILE` is its path. */
const DAMAGE: Readonly<Record<string, [file: string, text: string | null, message: RegExp]>> = {
  "a summary that is no JSON": [
    "summary.json",
    "{nope",
    /FILE: Expected a judge's summary, a JSON object, but found other text\.$/,
  ],
  "another program's summary": [
    "summary.json",
    '{"judges": "a"}',
    /FILE: judge: Expected a text but found no such key\. Did you mean "judges"\?[^]*FILE: rule: /,
  ],
  "three systems": [
    "summary.json",
    JSON.stringify({ ...summary, systems: ["a", "b", "c"] }),
    /FILE: systems: Expected names of 2 but found a list\.$/,
  ],
  "no rows": ["judgments.jsonl", null, /FILE: Expected a file of a judge's rows but found none\.$/],
  "a row that is no JSON": [
    "judgments.jsonl",
    `${JSON.stringify(judgment)}\n{oops\n`,
    /FILE:2: Expected a JSON object but found "\{oops"\.$/,
  ],
  "a row of other fields": [
    "judgments.jsonl",
    JSON.stringify({ ...judgment, value: "x", swapped: 1 }),
    /FILE:1: value: Expected a number from 0 to 10 but found "x"\.\n.*FILE:1: swapped: Expected true/,
  ],
  "a score without a value": [
    "judgments.jsonl",
    JSON.stringify({ ...judgment, value: null }),
    /FILE:1: value: Expected a number where the judgment is scored, .* but found null\.$/,
  ],
  "a judgment of another item": [
    "judgments.jsonl",
    JSON.stringify({ ...judgment, id: "elsewhere" }),
    /FILE: Expected judgments of what items\.jsonl has but found "elsewhere"\.$/,
  ],
  "an item without its second question": [
    "items.jsonl",
    JSON.stringify({ ...item, turn: 2 }),
    /FILE:1: questions: Expected a text for each of 2 turns but found a list\.$/,
  ],
  "an item whose answers are no lists": [
    "items.jsonl",
    JSON.stringify({ ...item, answers: ["theirs", "ours"] }),
    /FILE:1: answers: Expected a list of texts for each system but found a list\.$/,
  ],
};

for (const [name, [file, text, message]] of Object.entries(DAMAGE)) {
  Deno.test(`readJudged() names file, row and key of ${name}`, async () => {
    await using scratch = await ScratchFolder.make();
    await writeJudged(scratch.path, ONE);
    const path = join(scratch.path, file);
    if (text === null) await Deno.remove(path);
    else await Deno.writeTextFile(path, text);
    await assert.rejects(readJudged(scratch.path), (error: Error) => {
      assert.equal(error.name, "InputError");
      assert.match(error.message.replaceAll(path, "FILE"), message);
      return true;
    });
  });
}
