import assert from "node:assert/strict";
import type { Stage } from "../../pipeline/stage.ts";
import audit from "../../stages/audit.ts";
import readPairs from "../../stages/read_pairs.ts";
import tokenize from "../../stages/tokenize.ts";
import trainTokenizer from "../../stages/train_tokenizer.ts";
import world from "../../stages/world.ts";
import { type Ran, runStage, temporaryFolder } from "./run_stage.ts";

const lines = async (path: string) => (await Deno.readTextFile(path)).trimEnd().split("\n");

const small = {
  seed: 1,
  demonstrations: 40,
  trainPrompts: 30,
  validationPrompts: 20,
  testPrompts: 10,
};

Deno.test("world, tokenize and audit run from a seed to a report, the same bytes each time", async () => {
  const [a, b] = [await runStage(world, small), await runStage(world, small)];
  const files = {
    demonstrations: "pairs.jsonl",
    trainPrompts: "prompts.jsonl",
    validationPrompts: "prompts.jsonl",
    testPrompts: "prompts.jsonl",
    tokenizer: "tokenizer.json",
  };
  for (const [port, name] of Object.entries(files)) {
    const [first, second] = [a, b].map((ran) =>
      Deno.readTextFileSync(`${ran.output(port)}/${name}`)
    );
    assert.equal(first, second, port);
  }
  assert.equal((await lines(`${a.output("demonstrations")}/pairs.jsonl`)).length, 40);
  assert.equal((await lines(`${a.output("validationPrompts")}/prompts.jsonl`)).length, 20);
  const tokens = await runStage(tokenize, { maxLength: 24, maxPromptLength: 8 }, {
    pairs: a.output("demonstrations"),
    tokenizer: a.output("tokenizer"),
  });
  assert.match(tokens.log[0], /^40 pairs, \d+ tokens, 0 truncated, 0 with a boundary mismatch/);
  const audited = await runStage(audit, {}, { train: tokens.output("tokens") });
  assert.deepEqual(audited.log, ["1 sets, 40 pairs, 0 findings"]);
  const report = JSON.parse(await Deno.readTextFile(`${audited.output("audit")}/audit.json`));
  assert.deepEqual([report.passed, report.sets[0].name], [true, "train"]);
});

/** A folder of pairs on which read-pairs can run, one of them identical and one empty. */
async function writeSource(): Promise<string> {
  const folder = await temporaryFolder();
  const row = (prompt: string, chosen: string, rejected: string) =>
    `${JSON.stringify({ prompt, chosen, rejected })}\n`;
  const train = row("Say yes", "yes", "no") + row("Say no", "no", "no") + row("Say it", "", "it");
  await Deno.writeTextFile(`${folder}/train_prefs.jsonl`, train);
  await Deno.writeTextFile(`${folder}/test_prefs.jsonl`, row("Say hi", "hi", "ho"));
  return folder;
}

const chatTemplate = "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + eos_token }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";
const tokenizerParams = {
  vocabSize: 280,
  chatTemplate,
  additionalSpecialTokens: ["<|user|>", "<|assistant|>"],
};

/** read-pairs, train-tokenizer and tokenize on such a folder; the tokens' folders. */
async function tokensOfSource(dropped: Record<string, boolean>) {
  const pairs = await runStage(readPairs, { path: await writeSource(), ...dropped });
  const tokenizer = await runStage(trainTokenizer, tokenizerParams, {
    train: pairs.output("train"),
  });
  const tokensOf = async (split: string) => {
    const ran = await runStage(tokenize, { maxLength: 64, maxPromptLength: 32 }, {
      pairs: pairs.output(split),
      tokenizer: tokenizer.output("tokenizer"),
    });
    return ran.output("tokens");
  };
  return { pairs, tokenizer, train: await tokensOf("train"), evaluation: await tokensOf("test") };
}

Deno.test("audit stops a recipe with identical and empty pairs, and says how to go on", async () => {
  const { train, evaluation, pairs, tokenizer } = await tokensOfSource({});
  assert.deepEqual(pairs.log, ["train: 3 pairs", "test: 1 pairs"]);
  assert.match(tokenizer.log[0], /^\d+ tokens, with a chat template$/);
  const { name, message } = await runStage(audit, {}, { train, evaluation: [evaluation] })
    .then(() => assert.fail("Expected a refusal."), (error) => error);
  assert.equal(name, "ExpectedError");
  const [first, ...rest] = message.split("\n");
  assert.deepEqual(rest, [
    "train: 1 of 3 pairs have the same chosen and rejected reply, as text or as tokens before " +
    "truncation (train_prefs.jsonl:2). Either drop them with `drop: [identical-pairs]` of " +
    "tokenize, or say `accept: [identical-pairs]`.",
    "train: 1 of 3 pairs have an empty reply (train_prefs.jsonl:3). Either drop them with " +
    "`dropEmpty: true` of read-pairs, or say `accept: [empty-replies]`.",
  ]);
  const scratch = /^The audit found errors\. The whole report is kept as (\S+)\/audit\.json, /
    .exec(first)![1];
  const report = JSON.parse(await Deno.readTextFile(`${scratch}/audit.json`));
  assert.deepEqual([report.passed, report.sets.length, report.findings.length], [false, 2, 2]);
  assert.deepEqual((await lines(`${scratch}/errors.jsonl`)).map((line) => JSON.parse(line)), [
    { set: "train", code: "identical-pairs", row: "train_prefs.jsonl:2" },
    { set: "train", code: "empty-replies", row: "train_prefs.jsonl:3" },
  ]);
  const accept = ["identical-pairs", "empty-replies"];
  const accepted = await runStage(audit, { accept }, { train, evaluation: [evaluation] });
  assert.deepEqual(accepted.warnings, [
    "train: 1 of 3 pairs have the same chosen and rejected reply, as text or as tokens before " +
    "truncation (accepted)",
    "train: 1 of 3 pairs have an empty reply (accepted)",
  ]);
});

Deno.test("read-pairs leaves out identical and empty pairs where the recipe says so", async () => {
  const { pairs, train, evaluation } = await tokensOfSource({
    dropIdentical: true,
    dropEmpty: true,
  });
  assert.deepEqual(pairs.log, [
    "train: 1 pairs, 2 dropped (train_prefs.jsonl:2, train_prefs.jsonl:3)",
    "test: 1 pairs",
  ]);
  const audited = await runStage(audit, {}, { train, evaluation: [evaluation] });
  assert.deepEqual(audited.warnings, []);
});

Deno.test("read-pairs leaves out rows that are no pairs where the recipe says so, and tells which", async () => {
  const path = await writeSource();
  await Deno.writeTextFile(`${path}/train_prefs.jsonl`, "oops\n", { append: true });
  await assert.rejects(runStage(readPairs, { path }), { name: "InputError" });
  const one = await runStage(readPairs, { path, dropMalformed: true });
  assert.deepEqual(one.log, ["train: 3 pairs", "test: 1 pairs"]);
  assert.deepEqual(one.warnings, [
    "train: 1 row is no pair and left out:\n" +
    '  train_prefs.jsonl:4: Expected a JSON object but found "oops".',
  ]);
  await Deno.writeTextFile(`${path}/train_prefs.jsonl`, "oops\n".repeat(29), { append: true });
  const { log, warnings: [warning] } = await runStage(readPairs, { path, dropMalformed: true });
  assert.deepEqual(log, one.log);
  assert.match(warning, /^train: 30 rows are no pairs and left out, the first 20:\n/);
  assert.deepEqual(
    [...warning.matchAll(/prefs\.jsonl:(\d+): /g)].map(([, line]) => Number(line)),
    Array.from({ length: 20 }, (_, i) => 4 + i),
  );
  await Deno.writeTextFile(`${path}/test_prefs.jsonl`, "oops\n");
  await assert.rejects(runStage(readPairs, { path, dropMalformed: true }), {
    name: "InputError",
    message: `${path}/test_prefs.jsonl:1: Expected a JSON object but found "oops".`,
  });
});

Deno.test("rows that are left out count towards the rows to take, over all files of a split", async () => {
  const path = await writeSource();
  await Deno.remove(`${path}/train_prefs.jsonl`);
  const row = `${JSON.stringify({ prompt: "p", chosen: "c", rejected: "r" })}\n`;
  for (const [i, content] of [`${row}oops\n`, row + row].entries()) {
    await Deno.writeTextFile(`${path}/train_prefs-0000${i}-of-00002.jsonl`, content);
  }
  const params = { path, dropMalformed: true, limit: 3 };
  const { log, warnings } = await runStage(readPairs, params);
  assert.deepEqual(log, ["train: 2 pairs", "test: 1 pairs"]);
  assert.match(warnings[0], /train_prefs-00000-of-00002\.jsonl:2: /);
});

Deno.test("read-pairs takes as many rows as the recipe says", async () => {
  const { log } = await runStage(readPairs, {
    path: await writeSource(),
    limit: 2,
    testLimit: 9,
  });
  assert.deepEqual(log, ["train: 2 pairs", "test: 1 pairs"]);
});

Deno.test("train-tokenizer takes a given tokenizer as it is, but for a template of the recipe", async () => {
  const { tokenizer } = await tokensOfSource({});
  const path = tokenizer.output("tokenizer");
  const copied = await runStage(trainTokenizer, { path });
  const replaced = await runStage(trainTokenizer, { path, chatTemplate: "{{ eos_token }}" });
  const read = (ran: Ran, name: string) => Deno.readTextFile(`${ran.output("tokenizer")}/${name}`);
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    assert.equal(await read(copied, name), await read(tokenizer, name));
    assert.equal(await read(replaced, name), await read(tokenizer, name));
  }
  assert.equal(await read(copied, "chat_template.jinja"), chatTemplate);
  assert.equal(await read(replaced, "chat_template.jinja"), "{{ eos_token }}");
});

Deno.test("train-tokenizer asks for pairs to train on before anything runs", () => {
  const params = (given: unknown) => trainTokenizer.params.parse(given);
  const check = trainTokenizer.checkInputs!;
  assert.deepEqual(check(params({ vocabSize: 300 }), { train: [] }), [{
    path: "vocabSize",
    message: "Expected pairs to train on, wired to the input train, but found none.",
  }]);
  assert.deepEqual(check(params({ vocabSize: 300 }), { train: [{ from: "pairs", axes: {} }] }), []);
  assert.deepEqual(check(params({ path: "tokenizer" }), { train: [] }), []);
});

Deno.test("train-tokenizer refuses a template that is no Jinja before it trains", async () => {
  await assert.rejects(
    runStage(trainTokenizer, { ...tokenizerParams, chatTemplate: "{% for" }, { train: "absent" }),
    { name: "InputError", message: /^chatTemplate: Expected a Jinja template but found: / },
  );
});

Deno.test("the data stages refuse parameters that contradict each other", () => {
  const message = (stage: Stage<never>, params: unknown) =>
    stage.params.safeParse(params).error?.issues.map((issue) => issue.message).join();
  const either = "give either vocabSize (to train a tokenizer) or path (of a given one)";
  assert.equal(message(trainTokenizer as Stage<never>, {}), either);
  assert.equal(message(trainTokenizer as Stage<never>, { vocabSize: 300, path: "x" }), either);
  assert.equal(
    message(tokenize as Stage<never>, { maxLength: 8, maxPromptLength: 8 }),
    "must be below maxLength",
  );
});
