import assert from "node:assert/strict";
import { loadTokenizer } from "../../../data/tokenizer/tokenizer.ts";
import { pairTokenizer, tokenizePrompt } from "../../../data/tokenize.ts";
import { writeWorldTokenizer } from "../../../data/world/tokenizer.ts";
import { VOCABULARY } from "../../../data/world/vocabulary.ts";

async function load() {
  const folder = await Deno.makeTempDir();
  await writeWorldTokenizer(folder);
  const tokenizer = await loadTokenizer(folder);
  await Deno.remove(folder, { recursive: true });
  return tokenizer;
}

Deno.test("the world's tokenizer has 70 tokens, each with the id of its place", async () => {
  const tokenizer = await load();
  assert.equal(tokenizer.vocabSize, 70);
  assert.deepEqual([tokenizer.padId, tokenizer.bosId, tokenizer.eosId], [0, 1, 3]);
  assert.deepEqual([...tokenizer.encode(VOCABULARY.join(" "))], [...VOCABULARY.keys()]);
});

Deno.test("the world's template renders <bos> PROMPT <sep> REPLY <eos>, token by token", async () => {
  const tokenizer = await load();
  const id = (text: string) => text.split(" ").map((word) => VOCABULARY.indexOf(word));
  const tokenize = pairTokenizer(tokenizer, { maxLength: 24, maxPromptLength: 8 });
  const row = tokenize({ id: "a", prompt: "copy dog cat", chosen: "dog cat .", rejected: "well" });
  assert.deepEqual([...row.prompt], id("<bos> copy dog cat <sep>"));
  assert.deepEqual([...row.chosen], id("dog cat . <eos>"));
  assert.deepEqual([...row.rejected ?? []], id("well <eos>"));
  assert.equal(row.boundaryMismatch, false);
  assert.deepEqual(tokenizePrompt(tokenizer, "copy dog cat"), row.prompt);
  assert.deepEqual([...tokenize({ id: "b", prompt: "copy dog cat", chosen: "" }).chosen], [3]);
});

Deno.test("the world's tokenizer decodes to words, special tokens kept only on request", async () => {
  const tokenizer = await load();
  const ids = tokenizer.encode("dog cat . <eos>");
  assert.equal(tokenizer.decode(ids), "dog cat .");
  assert.equal(tokenizer.decode(ids, { keepSpecialTokens: true }), "dog cat . <eos>");
  assert.equal(tokenizer.decode([]), "");
});

Deno.test("the world's tokenizer refuses a word from outside the world", async () => {
  const tokenizer = await load();
  assert.throws(() => tokenizer.encode("copy dog unicorn"), {
    name: "InputError",
    message: `${tokenizer.folder}/tokenizer.json: Expected a vocabulary that can write every ` +
      `text but found no token for "unicorn", nor one for unknown words.`,
  });
});
