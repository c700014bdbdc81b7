import assert from "node:assert/strict";
import { writePairs } from "../../data/pairs_file.ts";
import { readTokenFacts, readTokens } from "../../data/store/read_tokens.ts";
import { tokenizePairs } from "../../data/tokenize_pairs.ts";
import { writeWorldTokenizer } from "../../data/world/tokenizer.ts";

/** Tokenizes three pairs of the world, two of which are the same once cut to two tokens. */
async function tokenizeThree(keep: { dropIdentical?: boolean; chosenOnly?: boolean }) {
  const root = await Deno.makeTempDir();
  const [pairs, tokenizer, folder] = ["pairs", "tokenizer", "tokens"].map((n) => `${root}/${n}`);
  for (const path of [pairs, folder]) await Deno.mkdir(path);
  await writeWorldTokenizer(tokenizer);
  const rejected = "dog cat hat .";
  await writePairs(pairs, [
    { id: "a", prompt: "copy dog cat", chosen: "dog cat .", rejected },
    { id: "b", prompt: "copy dog cat", chosen: "well dog cat .", rejected },
    { id: "c", prompt: "copy tea hat", chosen: "tea .", rejected: "hat ." },
  ]);
  const options = { pairs, tokenizer, folder, maxLength: 7, maxPromptLength: 5, ...keep };
  const summary = await tokenizePairs(options);
  const rows = await readTokens(folder);
  const ids = rows.map(({ id }) => id);
  const facts = await readTokenFacts(folder);
  await Deno.remove(root, { recursive: true });
  return { summary, rows, ids, facts };
}

Deno.test("tokenizePairs() writes rows in order, with counts and facts", async () => {
  const { summary, ids, facts } = await tokenizeThree({});
  assert.equal(
    summary,
    "3 pairs, 27 tokens, 3 truncated, 0 with a boundary mismatch, 0 dropped as identical",
  );
  assert.deepEqual(ids, ["a", "b", "c"]);
  assert.match(facts.templateDigest ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual({ ...facts, templateDigest: null }, {
    maxLength: 7,
    maxPromptLength: 5,
    vocabSize: 70,
    eosId: 3,
    padId: 0,
    templateDigest: null,
  });
});

Deno.test("tokenizePairs() leaves out pairs that truncation made equal, when asked", async () => {
  const { summary, ids } = await tokenizeThree({ dropIdentical: true });
  assert.deepEqual(ids, ["b", "c"]);
  assert.match(summary, /1 dropped as identical$/);
});

Deno.test("tokenizePairs() keeps the chosen replies alone, when asked", async () => {
  const { rows } = await tokenizeThree({ chosenOnly: true });
  assert.deepEqual(rows.map(({ id, rejected }) => [id, rejected]), [["a", null], ["b", null], [
    "c",
    null,
  ]]);
});
