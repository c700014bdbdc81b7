import assert from "node:assert/strict";
import { defaultVocabularyChunk, headChunks } from "../../../train/models/head_chunks.ts";

Deno.test("headChunks() are all rows of the weight that makes logits, and none where one holds all", () => {
  const config = { vocabSize: 10, tiedEmbeddings: false };
  assert.deepEqual(headChunks(config, 4), [
    { name: "lm_head.weight[0:4]", start: 0, end: 4 },
    { name: "lm_head.weight[4:8]", start: 4, end: 8 },
    { name: "lm_head.weight[8:10]", start: 8, end: 10 },
  ]);
  const [first] = headChunks({ ...config, tiedEmbeddings: true }, 5);
  assert.equal(first.name, "model.embed_tokens.weight[0:5]");
  for (const size of [undefined, 10, 11]) assert.deepEqual(headChunks(config, size), []);
});

Deno.test("defaultVocabularyChunk() divides what makes more than 256 MiB of logits, evenly", () => {
  const of = (vocabSize: number, tokens: number, replies: number, pairs = 100) =>
    defaultVocabularyChunk({ vocabSize, tokens, longest: { replies, pairs } });
  // 512 · 49,152 = 25,165,824 logits at most are fewer than 2²⁶ = 67,108,864.
  assert.equal(of(49152, 512, 256), 49152);
  assert.equal(of(2048, 4096, 128), 2048);
  // Runs may be smaller: 512 · 128,000 = 65,536,000 logits.
  assert.equal(of(128000, 4096, 128), 128000);
  // 2²⁴ / 512 = 32,768 entries make 64 MiB: of 256,000 entries eight chunks, of 32,000 each.
  assert.equal(of(256000, 512, 256), 32000);
  // One pair of 128 reply tokens a run makes 32,768,000 logits.
  assert.equal(of(256000, 512, 128, 1), 256000);
  // A pair that is longer than a run: 2²⁴ / 2,048 = 8,192 entries, 32 chunks, of 8,000 each.
  assert.equal(of(256000, 512, 2048, 1), 8000);
  // Products of few columns are slow.
  assert.equal(of(256000, 512, 1e6, 1), 4096);
});

Deno.test("defaultVocabularyChunk() leaves a GPU 1 GiB of logits, and chunks of 256 MiB", () => {
  const of = (vocabSize: number, tokens: number) =>
    defaultVocabularyChunk({ vocabSize, tokens, target: "cuda" });
  // 2,048 · 32,000 = 65,536,000 logits are fewer than 2²⁸ = 268,435,456.
  assert.equal(of(32000, 2048), 32000);
  // 2²⁶ / 2,048 = 32,768 entries: eight chunks.
  assert.equal(of(256000, 2048), 32000);
});

Deno.test("defaultVocabularyChunk() takes it that all tokens may be predicted where replies are not known", () => {
  assert.equal(defaultVocabularyChunk({ vocabSize: 49152, tokens: 512 }), 49152);
  assert.equal(defaultVocabularyChunk({ vocabSize: 256000, tokens: 512 }), 32000);
});
