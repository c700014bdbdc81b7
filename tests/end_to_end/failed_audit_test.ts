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
  initial:
    uses: initialize
    inputs: { tokenizer: tokenizer }
    params: { hiddenSize: 8, intermediateSize: 16, layers: 1, heads: 1, tiedEmbeddings: true, maxPositions: 64, seed: 0 }
  train:
    inputs: { model: initial, tokens: train-tokens }
    after: [audit]
    params: { loss: sft, sft: token_mean, learningRate: 1.0e-3, steps: 2, batchPairs: 5, schedule: constant, threads: 1, seed: 0 }
`;

Deno.test("a failed audit starts no training, leaves its report, and every row with an error, where its message says", async () => {
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
  const args = ["run", "train", "--recipe", "leaking.yaml", "--store", "store"];
  const { code, stderr } = await ballast(args, { folder: scratch.path });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /started +audit/);
  assert.match(stderr, /skipped +train: it needs audit/);
  assert.doesNotMatch(stderr, /started +train\n/);
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
