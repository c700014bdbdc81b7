import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { loadTokenizer } from "../../../data/tokenizer/tokenizer.ts";
import { trainByteLevelBpe } from "../../../data/tokenizer/train_bpe.ts";
import { writeBpeTokenizer } from "../../../data/tokenizer/write_bpe_tokenizer.ts";

async function train(texts: string[], count: number): Promise<string[]> {
  const options = { vocabSize: 256 + count, specialTokens: [] };
  const { merges } = await trainByteLevelBpe(texts, options);
  return merges.map((pair) => pair.join("+"));
}

Deno.test("trainByteLevelBpe() merges the most frequent pair first, as worked out by hand", async () => {
  // l-o and o-w 4 times each: l comes before o. Then lo-w 4, low-e 2; then s-t, lowe-r, lowe-s once
  // each, of which s-t has the lower ids.
  const merges = await train(["low", "low", "lower", "lowest"], 4);
  assert.deepEqual(merges, ["l+o", "lo+w", "low+e", "s+t"]);
});

Deno.test("trainByteLevelBpe() counts overlapping runs as they are merged, left to right", async () => {
  // aaaaa: a-a 4 times, then aa-aa-a.
  assert.deepEqual(await train(["aaaaa"], 9), ["a+a", "aa+a", "aa+aaa"]);
});

Deno.test("trainByteLevelBpe() merges within words only, the blank before a word being part of it", async () => {
  assert.deepEqual(await train(["ab ab ab"], 9), ["a+b", "Ġ+ab"]);
});

Deno.test("trainByteLevelBpe() numbers special tokens, then bytes, then merges", async () => {
  const { tokens } = await trainByteLevelBpe(["ab"], {
    vocabSize: 400,
    specialTokens: ["<pad>", "</s>"],
  });
  assert.deepEqual(tokens.slice(0, 3), ["<pad>", "</s>", "!"]);
  assert.equal(tokens.length, 259);
  assert.equal(tokens[258], "ab");
});

Deno.test("trainByteLevelBpe() refuses a vocabulary without room for the bytes", async () => {
  await assert.rejects(
    trainByteLevelBpe([], { vocabSize: 256, specialTokens: ["<s>"] }),
    new RangeError(
      "Expected vocabSize to be an integer of at least 257 (1 special tokens and 256 bytes) " +
        "but found 256.",
    ),
  );
});

Deno.test("a trained tokenizer gives any text back, character for character", async () => {
  const folder = await Deno.makeTempDir();
  const specialTokens = ["<pad>", "<s>", "</s>"];
  const vocabulary = await trainByteLevelBpe(
    ["the cat sat on the mat", "Grüße, 世界! 😀 it's 1,234.5"],
    { vocabSize: 300, specialTokens },
  );
  const [padToken, bosToken, eosToken] = specialTokens;
  await writeBpeTokenizer(folder, {
    vocabulary,
    specialTokens,
    padToken,
    bosToken,
    eosToken,
    chatTemplate: null,
  });
  const tokenizer = await loadTokenizer(folder);
  const random = Random.seeded(0, "test");
  const alphabet = [..." \n\tthecatsm'ü世😀\u0085\uFEFF\u200B01<>"];
  for (let i = 0; i < 300; i++) {
    const text = Array.from({ length: random.between(1, 40) }, () => random.pick(alphabet)).join(
      "",
    );
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  }
  assert.equal(tokenizer.encode("the cat").length < 7, true);
  await Deno.remove(folder, { recursive: true });
});

const golden = new URL("../../../../shared/golden/tokenizer/tokenizer.json", import.meta.url);
const ultrafeedback = new URL(
  "../../../../shared/data/ultrafeedback/train_prefs.jsonl",
  import.meta.url,
);
const present = await Deno.stat(golden).then(() => true, () => false);

Deno.test({
  name: "trainByteLevelBpe() gives the tokens and merges of the tokenizers crate (needs ../shared)",
  ignore: !present,
  async fn() {
    const rows = (await Deno.readTextFile(ultrafeedback)).split("\n", 300).map((line) =>
      JSON.parse(line)
    );
    const { tokens, merges } = await trainByteLevelBpe(
      rows.flatMap(({ prompt, chosen, rejected }) => [prompt, chosen, rejected]),
      {
        vocabSize: 1024,
        specialTokens: ["<pad>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>"],
      },
    );
    const { model } = JSON.parse(await Deno.readTextFile(golden));
    assert.deepEqual(
      new Map(tokens.map((token, id) => [token, id])),
      new Map(Object.entries(model.vocab)),
    );
    assert.deepEqual(merges, model.merges);
  },
});
