import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import { writePairs } from "../../data/pairs_file.ts";
import { readTokenFacts, readTokens } from "../../data/store/read_tokens.ts";
import { type TokenizePairs, tokenizePairs } from "../../data/tokenize_pairs.ts";
import { writeWorldTokenizer } from "../../data/world/tokenizer.ts";

/** Tokenizes three pairs of the world, two of which are the same once cut to two tokens. */
async function tokenizeThree(keep: Partial<TokenizePairs>) {
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
  const progress: number[][] = [];
  const onProgress = (...told: number[]) => progress.push(told);
  const lengths = { maxLength: 7, maxPromptLength: 5 };
  const options = { pairs, tokenizer, folder, ...lengths, onProgress, ...keep };
  const summary = await tokenizePairs(options);
  const rows = await readTokens(folder);
  const ids = rows.map(({ id }) => id);
  const facts = await readTokenFacts(folder);
  await Deno.remove(root, { recursive: true });
  return { summary, rows, ids, facts, progress };
}

Deno.test("tokenizePairs() writes rows in order, with counts and facts", async () => {
  const { summary, ids, facts, progress } = await tokenizeThree({});
  assert.deepEqual(progress, [[3, 3]]);
  assert.equal(
    summary,
    "3 pairs, 27 tokens, 3 truncated, 0 with a boundary mismatch, 0 dropped; " +
      "encoder: portable (word by word)",
  );
  assert.deepEqual(ids, ["a", "b", "c"]);
  assert.match(facts.templateDigest ?? "", /^[0-9a-f]{64}$/);
  assert.match(facts.tokenizerDigest, /^[0-9a-f]{64}$/);
  assert.deepEqual({ ...facts, tokenizerDigest: "", templateDigest: null }, {
    maxLength: 7,
    maxPromptLength: 5,
    vocabSize: 70,
    eosId: 3,
    padId: 0,
    tokenizerDigest: "",
    templateDigest: null,
  });
});

Deno.test("tokenizePairs() leaves out pairs that truncation made equal, when asked", async () => {
  const { summary, ids } = await tokenizeThree({ dropIdentical: true });
  assert.deepEqual(ids, ["b", "c"]);
  assert.match(summary, /, 1 dropped \(identical\);/);
});

Deno.test("tokenizePairs() leaves out what the audit would find, when asked", async () => {
  const { summary, ids } = await tokenizeThree({ drop: ["truncated", "boundary-mismatch"] });
  assert.deepEqual(ids, []);
  assert.match(summary, /^0 pairs, .*, 3 dropped \(truncated\);/);
});

Deno.test("tokenizePairs() leaves out the prompts of other sets, also in other white space", async () => {
  const other = await Deno.makeTempDir();
  for (const name of ["pairs", "tokens", "tokenizer"]) await Deno.mkdir(`${other}/${name}`);
  await writeWorldTokenizer(`${other}/tokenizer`);
  const row = { id: "x", prompt: "copy  tea\nhat", chosen: "tea .", rejected: "hat ." };
  await writePairs(`${other}/pairs`, [row]);
  await tokenizePairs({
    pairs: `${other}/pairs`,
    tokenizer: `${other}/tokenizer`,
    folder: `${other}/tokens`,
    maxLength: 9,
    maxPromptLength: 6,
  });
  const { summary, ids } = await tokenizeThree({ without: [`${other}/tokens`] });
  assert.deepEqual(ids, ["a", "b"]);
  assert.match(summary, /, 1 dropped \(prompt-overlap\);/);
  await Deno.remove(other, { recursive: true });
});

Deno.test("tokenizePairs() keeps the chosen replies alone, when asked", async () => {
  const { rows } = await tokenizeThree({ chosenOnly: true });
  assert.deepEqual(rows.map(({ id, rejected }) => [id, rejected]), [["a", null], ["b", null], [
    "c",
    null,
  ]]);
});

Deno.test("tokenizePairs() names the pairs that cannot be written, over all batches", async () => {
  const root = await Deno.makeTempDir();
  const [pairs, tokenizer] = ["pairs", "tokenizer"].map((n) => `${root}/${n}`);
  await Deno.mkdir(pairs);
  await writeWorldTokenizer(tokenizer);
  const row = { prompt: "copy dog", chosen: "dog .", rejected: "cat ." };
  const unwritable = async (ids: readonly number[]) => {
    const rows = Array.from({ length: 600 }, (_, i) => ({
      id: `f:${i}`,
      ...row,
      chosen: ids.includes(i) ? "unicorn ." : row.chosen,
    }));
    await writePairs(pairs, rows);
    const folder = await Deno.makeTempDir({ dir: root });
    const progress: number[] = [];
    const error = await tokenizePairs({
      ...{ pairs, tokenizer, folder, maxLength: 7, maxPromptLength: 5 },
      onProgress: (done) => progress.push(done),
    }).catch((error) => error);
    assert.deepEqual(progress, [128, 256, 384, 512, 600]);
    assert(error instanceof InputError, `${error}`);
    return error.problems;
  };
  const few = await unwritable([10, 300, 301, 599]);
  assert.deepEqual(few.map(({ path }) => path), [
    ...[10, 300, 301, 599].map((i) => `pair f:${i}: ${tokenizer}/tokenizer.json`),
  ]);
  assert.match(few[0].message, /no token for "unicorn"/);
  const many = await unwritable(Array.from({ length: 25 }, (_, i) => 20 * i));
  assert.deepEqual(many.length, 21);
  assert.match(many[19].path, /^pair f:380: /);
  assert.deepEqual(many[20], { path: "…", message: "5 more problems." });
  await Deno.remove(root, { recursive: true });
});

Deno.test("tokenizePairs() stops between batches when asked to", async () => {
  const root = await Deno.makeTempDir();
  const [pairs, tokenizer, folder] = ["pairs", "tokenizer", "tokens"].map((n) => `${root}/${n}`);
  for (const path of [pairs, folder]) await Deno.mkdir(path);
  await writeWorldTokenizer(tokenizer);
  const row = { prompt: "copy dog", chosen: "dog .", rejected: "cat ." };
  await writePairs(pairs, Array.from({ length: 300 }, (_, i) => ({ id: String(i), ...row })));
  const controller = new AbortController();
  const progress: number[][] = [];
  const stopped = tokenizePairs({
    pairs,
    tokenizer,
    folder,
    maxLength: 7,
    maxPromptLength: 5,
    signal: controller.signal,
    onProgress: (...told) => {
      progress.push(told);
      controller.abort();
    },
  });
  await assert.rejects(stopped, { name: "AbortError" });
  assert.deepEqual(progress, [[128, 300]]);
  await Deno.remove(root, { recursive: true });
});
