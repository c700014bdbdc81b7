import assert from "node:assert/strict";
import { TokenTexts } from "../../../eval/serve/token_texts.ts";

/** Each token is one byte. */
const bytes = (ids: readonly number[]) => new TextDecoder().decode(Uint8Array.from(ids));

function pieces(tokens: Iterable<number>, decode = bytes): string[] {
  const texts = new TokenTexts(decode);
  return [...Array.from(tokens, (token) => texts.push(token)), texts.flush()];
}

Deno.test("TokenTexts gives a character out with its last byte, and all of a text", () => {
  assert.deepEqual(pieces(new TextEncoder().encode("aé漢")), ["a", "", "é", "", "", "漢", ""]);
  const text = "naïve 🙂 🇨🇭\n\nend";
  assert.equal(pieces(new TextEncoder().encode(text)).join(""), text);
});

Deno.test("TokenTexts gives bytes that are no character out with what follows, or at the end", () => {
  assert.deepEqual(pieces([0xe6, 0x61]), ["", "\ufffda", ""]);
  assert.deepEqual(pieces([0x61, 0xe6]), ["a", "", "\ufffd"]);
});

Deno.test("TokenTexts keeps the blanks that a decoder puts between words", () => {
  const words = ["", "dog", "cat"]; // 0 is left out, as special tokens are
  const decode = (ids: readonly number[]) =>
    ids.filter((id) => id > 0).map((id) => words[id]).join(" ");
  assert.deepEqual(pieces([0, 1, 0, 2, 1], decode), ["", "dog", "", " cat", " dog", ""]);
});
