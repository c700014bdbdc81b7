import assert from "node:assert/strict";
import { join } from "node:path";
import { ballast } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const RECIPE = `recipe: leaking
describe: Test rows that are training rows.
stages:
  data: { uses: read-pairs, params: { path: rows } }
  tokenizer: { uses: train-tokenizer, inputs: { train: data.train }, params: { vocabSize: 270 } }
  train-tokens:
    uses: tokenize
    inputs: { pairs: data.train, tokenizer: tokenizer }
    params: &lengths { maxLength: 64, maxPromptLength: 32 }
  test-tokens: { uses: tokenize, inputs: { pairs: data.test, tokenizer: tokenizer }, params: *lengths }
  audit: { uses: audit, inputs: { train: train-tokens, evaluation: [test-tokens] } }
`;

Deno.test("a failed audit leaves its report, and every row with an error, where its message says", async () => {
  await using scratch = await ScratchFolder.make();
  const inScratch = (...parts: string[]) => join(scratch.path, ...parts);
  await Deno.writeTextFile(inScratch("leaking.yaml"), RECIPE);
  await Deno.mkdir(inScratch("rows"));
  const rows = Array.from(
    { length: 25 },
    (_, i) => `${JSON.stringify({ prompt: `Say ${i}`, chosen: `${i}.`, rejected: "No." })}\n`,
  ).join("");
  for (const split of ["train", "test"]) {
    await Deno.writeTextFile(inScratch("rows", `${split}_prefs.jsonl`), rows);
  }
  const args = ["run", "audit", "--recipe", "leaking.yaml", "--store", "store"];
  const { code, stderr } = await ballast(args, { folder: scratch.path });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /test_prefs\.jsonl:20, … 5 more\)/);
  const kept = /The whole report is kept as (\S+)\/audit\.json/.exec(stderr)?.[1];
  assert.ok(kept !== undefined, stderr);
  const report = JSON.parse(await Deno.readTextFile(join(kept, "audit.json")));
  assert.equal(report.passed, false);
  const errors = (await Deno.readTextFile(join(kept, "errors.jsonl"))).trimEnd().split("\n");
  assert.deepEqual(
    errors.map((line) => JSON.parse(line)),
    Array.from({ length: 25 }, (_, i) => ({
      set: "test-tokens",
      code: "prompt-overlap",
      row: `test_prefs.jsonl:${i + 1}`,
    })),
  );
});
