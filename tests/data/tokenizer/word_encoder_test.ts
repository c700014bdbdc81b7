import { Tokenizer } from "@huggingface/tokenizers";
import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { spellOutByteLevel } from "../../../data/tokenizer/byte_level_words.ts";
import { trainByteLevelBpe } from "../../../data/tokenizer/train_bpe.ts";
import { wordEncoder } from "../../../data/tokenizer/word_encoder.ts";

const byteLevel = { type: "ByteLevel", add_prefix_space: false, use_regex: true };
const specials = ["<s>", "</s>", "</s></s>", "a.b"];

/** The content of a tokenizer.json, with `change` applied. */
async function tokenizerJson(change: Record<string, unknown> = {}) {
  const texts = ["the cat sat on the mat", "it's 1,234 Grüße  世界"];
  const { tokens, merges } = await trainByteLevelBpe(texts, {
    vocabSize: 300,
    specialTokens: specials,
  });
  return {
    added_tokens: specials.map((content, id) => ({ id, content, special: true })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
    ...change,
  };
}

Deno.test("wordEncoder() gives what the library gives, special tokens in the text included", async () => {
  const json = await tokenizerJson();
  const library = new Tokenizer(spellOutByteLevel(json), {});
  const byLibrary = (text: string) => library.encode(text, { add_special_tokens: false }).ids;
  const encoder = wordEncoder(json, byLibrary)!;
  const random = Random.seeded(0, "test");
  const pieces = [
    ...specials,
    ..."the cat's \n\t 世ü😀'll1,2!\u0085\uFEFF<>/.",
    "  ",
    "'re",
    "\uD800",
  ];
  const texts = Array.from(
    { length: 2000 },
    () => Array.from({ length: random.between(0, 12) }, () => random.pick(pieces)).join(""),
  );
  const expected = texts.map((text) => text === "" ? [] : byLibrary(text));
  texts.forEach((text, i) =>
    assert.deepEqual([...encoder.encode(text)], expected[i], JSON.stringify(text))
  );
  assert.deepEqual(encoder.encodeAll(texts).map((ids) => [...ids]), expected);
});

/** What the `tokenizers` crate (0.23.3) finds of the added tokens below; "·" is a byte. */
const FOUND: Readonly<Record<string, string>> = {
  "cat": "cat",
  "a cat sat": "· · cat · · · ·",
  "concatenate": "· · · · · · · · · · ·",
  "cat.cat_cat": "cat · · · · · · · ·",
  "<s>cat<s>": "<s> cat <s>",
  "xcat": "x · · ·",
  "catx": "· · · x",
  "漢cat": "· · · · · ·",
  "cat\u0301": "· · · · ·",
  "cat\u200d": "· · · · · ·",
  "cat😀cat": "cat · · · · cat",
  "٣cat": "· · · · ·",
  "𝔘cat": "· · · · · · ·",
  "ab|x|": "· · |x|",
  "ab|cat": "ab| cat",
  "ca cat": "ca · cat",
};

Deno.test("wordEncoder() finds added tokens as the crate does: single words, and in two passes", async () => {
  const contents = ["<s>", "cat", "ca", "ab|", "|x|", "x"];
  const added_tokens = contents.map((content, i) => ({
    id: 1000 + i,
    content,
    single_word: content === "cat",
    normalized: content === "ab|",
  }));
  const bytes = (word: string) => [...new TextEncoder().encode(word)];
  const encoder = wordEncoder(await tokenizerJson({ added_tokens }), bytes)!;
  for (const [text, found] of Object.entries(FOUND)) {
    const ids = [...encoder.encode(text)];
    assert.equal(ids.map((id) => contents[id - 1000] ?? "·").join(" "), found, text);
  }
});

Deno.test("wordEncoder() asks the library once for each word", async () => {
  const asked: string[] = [];
  const one = (word: string) => {
    asked.push(word);
    return [word.length];
  };
  const encoder = wordEncoder(await tokenizerJson(), one)!;
  const ids = encoder.encodeAll(["the cat the cat</s> cat", "", "the mat"]);
  assert.deepEqual(ids.map((each) => [...each]), [[3, 4, 4, 4, 1, 4], [], [3, 4]]);
  assert.deepEqual([...encoder.encode(" cat")], [4]);
  assert.deepEqual(asked, ["the", " cat", " the", " mat"]);
});

Deno.test("wordEncoder() leaves tokenizers of other kinds to the library", async () => {
  const others = [
    { normalizer: { type: "NFC" } },
    { pre_tokenizer: { type: "Metaspace" } },
    { pre_tokenizer: null },
    { pre_tokenizer: { ...byteLevel, add_prefix_space: true } },
    { pre_tokenizer: { ...byteLevel, use_regex: false } },
    { pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Digits" }, byteLevel] } },
    { added_tokens: [{ id: 0, content: "<s>", lstrip: true }] },
  ];
  for (const change of others) {
    assert.equal(wordEncoder(await tokenizerJson(change), () => []), null);
  }
});

Deno.test("wordEncoder() cuts at white space where the tokenizer does", async () => {
  const json = await tokenizerJson({ pre_tokenizer: { type: "WhitespaceSplit" } });
  const encoder = wordEncoder(json, (word) => [word.length])!;
  assert.deepEqual([...encoder.encode("<s> the\u0085cat\uFEFF \n</s>sat ")], [0, 3, 4, 1, 3]);
});
