import { Tokenizer } from "@huggingface/tokenizers";
import assert from "node:assert/strict";
import fc from "fast-check";
import { bytePairEncoder } from "../../../data/tokenizer/byte_pairs.ts";
import { spellOutByteLevel } from "../../../data/tokenizer/byte_level_words.ts";
import { tokenizerKinds } from "./tokenizer_kinds.ts";

const kinds = await tokenizerKinds();
const plain = kinds["gpt-2"];
const model = plain.model as Readonly<Record<string, unknown>>;
const vocab = model.vocab as Readonly<Record<string, number>>;

const noLibrary = (word: string) => assert.fail(`the library was asked for ${word}`);

/** The plain kind with some merges, of which the tokens are added to the vocabulary. */
function withMerges(merges: readonly (readonly [string, string])[]) {
  const added = merges.map((pair, i) => [pair.join(""), 1000 + i]);
  return {
    ...plain,
    model: { ...model, vocab: { ...vocab, ...Object.fromEntries(added) }, merges },
  };
}

Deno.test("bytePairEncoder() merges the earliest pair of the list first, the left one of equals", () => {
  const encode = bytePairEncoder(withMerges([["b", "c"], ["a", "b"], ["a", "a"]]), noLibrary)!;
  const { a, b } = vocab;
  const [bc, ab, aa] = [1000, 1001, 1002];
  assert.deepEqual(encode("abc"), [a, bc]);
  assert.deepEqual(encode("aab"), [a, ab]);
  assert.deepEqual(encode("aaaaa"), [aa, aa, a]);
  assert.deepEqual(encode("ba"), [b, a]);
  assert.deepEqual(encode(""), []);
});

Deno.test("bytePairEncoder() reads merges written as texts, and takes the later place of a twice listed one", () => {
  const twice = [["a", "b"], ["b", "c"], ["a", "b"]] as const;
  const json = withMerges(twice);
  const texts = { ...json, model: { ...json.model, merges: twice.map((pair) => pair.join(" ")) } };
  for (const each of [json, texts]) {
    const encode = bytePairEncoder(each, noLibrary)!;
    assert.deepEqual(encode("abc"), [vocab.a, 1001]);
    const library = new Tokenizer(spellOutByteLevel(each), {});
    assert.deepEqual(library.encode("abc").ids, [vocab.a, 1001]);
  }
});

Deno.test("bytePairEncoder() gives what the library gives, up to words that it leaves to that", () => {
  const library = new Tokenizer(spellOutByteLevel(plain), {});
  const asked: string[] = [];
  const byLibrary = (word: string) => library.encode(word, { add_special_tokens: false }).ids;
  const encode = bytePairEncoder(plain, (word) => {
    asked.push(word);
    return byLibrary(word);
  })!;
  const letters = fc.array(fc.constantFrom(..."theca世ü"), { maxLength: 300 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(letters, (word) => {
      assert.deepEqual(encode(word), word === "" ? [] : byLibrary(word));
    }),
    { numRuns: 200, seed: 3 },
  );
  asked.length = 0;
  assert.deepEqual(encode("t".repeat(512)), byLibrary("t".repeat(512)));
  assert.deepEqual(asked, []);
  const long = ["t".repeat(513), "世".repeat(171), `${"t".repeat(511)}ü`];
  for (const word of long) assert.deepEqual(encode(word), byLibrary(word));
  assert.deepEqual(asked, long);
});

Deno.test("bytePairEncoder() asks the library for words with a byte that no token writes", () => {
  const { ä: _, ...others } = vocab;
  const json = { ...plain, model: { ...model, vocab: others, merges: [] } };
  const encode = bytePairEncoder(json, () => [-1])!;
  assert.deepEqual(encode("a"), [vocab.a]);
  // 世 begins with the byte 0xe4, which `ä` stands for.
  assert.deepEqual(encode("a世"), [-1]);
});

Deno.test("bytePairEncoder() leaves every other kind alone", () => {
  const others = {
    "another model": { ...plain, model: { type: "WordLevel", vocab } },
    "whole words first": { ...plain, model: { ...model, ignore_merges: true } },
    "random merges": { ...plain, model: { ...model, dropout: 0.1 } },
    "a mark at a word's end": { ...plain, model: { ...model, end_of_word_suffix: "</w>" } },
    "a mark within a word": { ...plain, model: { ...model, continuing_subword_prefix: "##" } },
    "a merge of no tokens": { ...plain, model: { ...model, merges: [["the", "constructor"]] } },
    "a merge of three": { ...plain, model: { ...model, merges: ["t h e"] } },
    "no bytes": { ...plain, pre_tokenizer: { type: "WhitespaceSplit" } },
    "llama-3": kinds["llama-3"],
    "mistral": kinds.mistral,
  };
  for (const [name, tokenizer] of Object.entries(others)) {
    assert.equal(bytePairEncoder(tokenizer, noLibrary), null, name);
  }
});
