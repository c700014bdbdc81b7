import assert from "node:assert/strict";
import { byteLevelWords, spellOutByteLevel } from "../../../data/tokenizer/byte_level_words.ts";

const byteLevel = { type: "ByteLevel", add_prefix_space: false, use_regex: true };

Deno.test("byteLevelWords() cuts as the GPT-2 encoder does", () => {
  assert.deepEqual(byteLevelWords("It's  20 cats!!\n\n x"), [
    "It",
    "'s",
    " ",
    " 20",
    " cats",
    "!!",
    "\n\n",
    " x",
  ]);
});

Deno.test("byteLevelWords() takes white space as Unicode has it, not as JavaScript does", () => {
  assert.deepEqual(byteLevelWords("a\u0085b"), ["a", "\u0085", "b"]);
  assert.deepEqual(byteLevelWords("a \uFEFFb"), ["a", " \uFEFF", "b"]);
});

Deno.test("spellOutByteLevel() spells the pattern out within sequences, and leaves the rest", () => {
  const digits = { type: "Digits", individual_digits: true };
  const sequence = { type: "Sequence", pretokenizers: [digits, byteLevel] };
  const { pre_tokenizer } = spellOutByteLevel({ pre_tokenizer: sequence });
  const spelt = JSON.stringify(pre_tokenizer);
  assert.ok(spelt.includes('"Split"') && spelt.includes('"use_regex":false'));
  assert.ok(spelt.includes(JSON.stringify(digits)));
  const prefixed = { ...byteLevel, add_prefix_space: true };
  const untouched = spellOutByteLevel({ pre_tokenizer: prefixed });
  assert.deepEqual(untouched.pre_tokenizer, prefixed);
});
