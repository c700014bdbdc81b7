import { Tokenizer } from "@huggingface/tokenizers";
import assert from "node:assert/strict";
import fc from "fast-check";
import { spellOutByteLevel } from "../../../data/tokenizer/byte_level_words.ts";
import { openNativeEncoder } from "../../../data/tokenizer/native_encoder.ts";
import { loadTokenizer } from "../../../data/tokenizer/tokenizer.ts";
import { SPECIALS, tokenizerKinds, writeKind } from "./tokenizer_kinds.ts";

/** The binding ships libraries for more; only this one has been tried. */
const tried = Deno.build.target === "x86_64-unknown-linux-gnu";

const kinds = await tokenizerKinds();

/** Character classes that tokenizers treat differently, and what has led some astray. */
const PIECES = [
  ...SPECIALS,
  ..."the cat's THE they'll 1234 ½²Ⅷ٣",
  ...["世界", "ü", "u\u0308", "שלום", "नमस्ते", "ไทย", "𝔘𐍈𒀀", "ǅ", "ﬁ", "İ", "ß", "ё"],
  ...["👩‍👩‍👧", "🏳️‍🌈", "🇪🇺", "👍🏽", "\u200d", "\ufe0f"],
  ..."\n\r\t\v\f\u0000\u0007\u001c\u0085\u00a0\u1680\u2003\u2028\u3000\ufeff\u200b\u007f",
  ...["\u0301", "\u0323\u0301", "e\u0301\u0327", "\u{e0100}"],
  ...[
    "  ",
    "   ",
    "\n\n",
    "\r\n",
    " \n ",
    "▁",
    "_",
    "'",
    "''",
    "'S",
    "--",
    "...",
    "<",
    "|>",
    "</s",
  ],
  ...["\ud800", "\udc00", "\udbff", "\ufffd"],
];

/** Any code point that a script or symbol has, lone surrogates included. */
const anyCharacter = fc.integer({ min: 0, max: 0x2ffff })
  .map((code) => String.fromCharCode(...(code < 0x10000 ? [code] : surrogates(code))))
  .filter((character) => !/\p{Cn}/u.test(character));

function surrogates(code: number): [number, number] {
  return [0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff)];
}

const anyText = fc.array(
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...PIECES) }, anyCharacter),
  { maxLength: 24 },
).map((pieces) => pieces.join(""));

/** Ids of a text by the portable library alone. */
function portableLibrary(tokenizer: Record<string, unknown>): (text: string) => number[] {
  const library = new Tokenizer(spellOutByteLevel(tokenizer), {});
  return (text) =>
    text === "" ? [] : library.encode(text.toWellFormed(), { add_special_tokens: false }).ids;
}

for (const [name, tokenizer] of Object.entries(kinds)) {
  Deno.test({
    name: `all encoders give equal ids, of the kind of ${name}`,
    ignore: !tried,
    async fn() {
      const folder = await writeKind(tokenizer);
      const loaded = await loadTokenizer(folder, { native: true });
      assert.equal(loaded.encoder, name === "gpt-2" ? "byte pairs" : "native");
      const portable = portableLibrary(tokenizer);
      const crate = openNativeEncoder(tokenizer, portable).encodeMany!;
      const check = fc.asyncProperty(fc.array(anyText, { maxLength: 20 }), async (texts) => {
        const expected = texts.map(portable);
        assert.deepEqual((await loaded.encodeAll(texts)).map((ids) => [...ids]), expected);
        assert.deepEqual(texts.map((text) => [...loaded.encode(text)]), expected);
        const whole = await crate(texts.map((text) => text.toWellFormed()));
        assert.deepEqual(whole.map((ids) => [...ids]), expected);
      });
      await fc.assert(check, { numRuns: 300, seed: 5 });
      await Deno.remove(folder, { recursive: true });
    },
  });
}

/** Added tokens that touch words, overlap, and are looked for in a first and a second pass. */
const MORE_ADDED = [
  { content: "cat", single_word: true, normalized: false },
  { content: "ca", single_word: false, normalized: false },
  { content: "ab|", single_word: false, normalized: true },
  { content: "the", single_word: true, normalized: true },
  { content: "|x|", single_word: false, normalized: false },
  { content: "x", single_word: false, normalized: false },
];

Deno.test({
  name: "encode() and encodeAll() find added tokens of a single word where the crate finds them",
  ignore: !tried,
  async fn() {
    const kind = kinds["gpt-2"] as { model: { vocab: Record<string, number> }; added_tokens: [] };
    let next = Math.max(...Object.values(kind.model.vocab)) + 1;
    const more = MORE_ADDED.map((token) => ({
      id: kind.model.vocab[token.content] ?? next++,
      ...{ lstrip: false, rstrip: false, special: false },
      ...token,
    }));
    const tokenizer = { ...kind, added_tokens: [...kind.added_tokens, ...more] };
    const crate = openNativeEncoder(tokenizer, () => assert.fail()).encodeMany!;
    const folder = await writeKind(tokenizer);
    const loaded = await loadTokenizer(folder, { native: true });
    const pieces = ["cat", "ca", "the", "ab|", "|x|", "x", "<s>", " ", "_", "-", "漢", "\u0301"];
    const marks = ["\u200d", "😀", "٣", "𝔘", "\n", "s", "|", "Ⅷ", "²", "\u0000"];
    const texts = fc.array(
      fc.array(fc.constantFrom(...pieces, ...marks), { maxLength: 12 }).map((all) => all.join("")),
      { maxLength: 20 },
    );
    const check = fc.asyncProperty(texts, async (texts) => {
      const expected = (await crate(texts)).map((ids) => [...ids]);
      assert.deepEqual((await loaded.encodeAll(texts)).map((ids) => [...ids]), expected);
      assert.deepEqual(texts.map((text) => [...loaded.encode(text)]), expected);
    });
    await fc.assert(check, { numRuns: 300, seed: 5 });
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("loadTokenizer() refuses added tokens of a single word of kinds that it hands over whole", async () => {
  for (const name of ["mistral", "gemma", "qwen2", "llama-3"]) {
    const added = ["a", "b", "c", "d"].map((content, i) => ({
      ...{ id: 900 + i, content, single_word: true, lstrip: false, rstrip: false },
      ...{ normalized: false, special: false },
    }));
    const folder = await writeKind({ ...kinds[name], added_tokens: added });
    await assert.rejects(loadTokenizer(folder, { native: true }), {
      name: "InputError",
      message: `${folder}/tokenizer.json: added_tokens: Expected no added tokens of which ` +
        "single_word is true, which are supported where text is only cut into words, but found " +
        '"a", "b", "c" and 1 more.',
    });
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("encode() reads half of a surrogate pair as U+FFFD", async () => {
  for (const tokenizer of Object.values(kinds)) {
    const folder = await writeKind(tokenizer);
    const { encode } = await loadTokenizer(folder);
    assert.deepEqual(encode("a\ud83db\udc4d"), encode("a\ufffdb\ufffd"));
    assert.notDeepEqual(encode("a\ud83d\udc4d"), encode("a\ufffd\ufffd"));
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("encodeAll() passes over truncation and padding that tokenizer.json asks for", async () => {
  const folder = await writeKind({
    ...kinds["gpt-2"],
    truncation: { direction: "Right", max_length: 2, strategy: "LongestFirst", stride: 0 },
    padding: {
      strategy: { Fixed: 9 },
      direction: "Right",
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: "<unk>",
    },
  });
  const tokenizer = await loadTokenizer(folder, { native: true });
  const [ids] = await tokenizer.encodeAll(["the cat on the mat"]);
  assert.deepEqual(ids, tokenizer.encode("the cat on the mat"));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("openNativeEncoder() leaves a vocabulary alone that cannot write every text", () => {
  const { model } = kinds["gpt-2"];
  const reason = "its vocabulary cannot write every text";
  const refused = [
    { ...kinds["gpt-2"], pre_tokenizer: { type: "WhitespaceSplit" } },
    { ...kinds["gpt-2"], model: { ...model as object, unk_token: "<none>" }, pre_tokenizer: null },
  ];
  for (const tokenizer of refused) {
    assert.deepEqual(openNativeEncoder(tokenizer, () => []), { encodeMany: null, reason });
  }
});

Deno.test({
  name:
    "encodeAll() treats texts with bytes that the vocabulary lacks as the portable library does",
  ignore: !tried,
  async fn() {
    const { model } = kinds["gpt-2"] as { model: { vocab: Record<string, number> } };
    // What stands for the byte 0xe4, with which 世 begins.
    const { ä: _, ...vocab } = model.vocab;
    const tokenizer = { ...kinds["gpt-2"], model: { ...model, vocab, merges: [] } };
    const asked: string[] = [];
    const { encodeMany } = openNativeEncoder(tokenizer, (text) => {
      asked.push(text);
      return [-1];
    });
    const texts = ["a", "世", "", "ä", "a世", "世", "a"];
    const [a, umlaut] = [[vocab.a], [vocab["Ã"], vocab["¤"]]];
    assert.deepEqual(await encodeMany!(texts), [a, [-1], [], umlaut, [-1], [-1], a]);
    assert.deepEqual(asked, ["世", "a世", "世"]);

    const folder = await writeKind(tokenizer);
    const { encodeAll } = await loadTokenizer(folder, { native: true });
    const expected = texts.map(portableLibrary(tokenizer));
    assert.deepEqual((await encodeAll(texts)).map((ids) => [...ids]), expected);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("openNativeEncoder() tells why it has none in place of failing", () => {
  const { reason } = openNativeEncoder({
    ...kinds["gpt-2"],
    normalizer: { type: "Unheard" },
  }, () => []) as { reason: string };
  assert.match(reason, /\S/);
});

const project = new URL("../../../", import.meta.url).pathname;

/** What print_encoder.ts says with the permissions of a worker and these. */
async function encoderWith(permissions: string[], folder: string) {
  const read = [project, folder].join(",");
  const script = new URL("print_encoder.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--cached-only", `--allow-read=${read}`],
      ...permissions,
      script,
      folder,
    ],
    cwd: project,
  }).output();
  const text = new TextDecoder().decode(stdout);
  return text === "" ? assert.fail(new TextDecoder().decode(stderr)) : JSON.parse(text);
}

Deno.test({
  name: "a worker loads the native encoder with leave to open that library alone, else the other",
  ignore: !tried,
  async fn() {
    const folder = await writeKind(kinds["llama-3"]);
    const store = `${project}node_modules/.deno`;
    const folders = [...Deno.readDirSync(store)].map(({ name }) => name)
      .filter((name) => name.startsWith("@anush008+tokenizers"))
      .map((name) => `${store}/${name}`);
    const native = await encoderWith([`--allow-ffi=${folders}`], folder);
    const portable = await encoderWith([], folder);
    assert.equal(native.encoder, "native");
    assert.match(portable.encoder, /^portable \(.+\)$/);
    assert.deepEqual(native.ids, portable.ids);
    await Deno.remove(folder, { recursive: true });
  },
});

const shared = new URL("../../../../shared/", import.meta.url);
const present = await Deno.stat(new URL("data/ultrafeedback/train_prefs.jsonl", shared)).then(
  () => true,
  () => false,
);

Deno.test({
  name: "all encoders give equal ids for 1,000 real pairs under SmolLM2 (needs ../shared)",
  ignore: !present || !tried,
  async fn() {
    const folder = new URL("models/smollm2_tokenizer", shared).pathname;
    const loaded = await loadTokenizer(folder, { native: true });
    assert.equal(loaded.encoder, "byte pairs");
    const model = JSON.parse(await Deno.readTextFile(`${folder}/tokenizer.json`));
    const portable = portableLibrary(model);
    const file = new URL("data/ultrafeedback/train_prefs.jsonl", shared);
    const rows = (await Deno.readTextFile(file)).trimEnd().split("\n").slice(0, 1000)
      .map((line) => JSON.parse(line));
    const texts: string[] = rows.flatMap(({ prompt, chosen, rejected }) => [
      prompt,
      `<|im_start|>user\n${chosen}<|im_end|>\n`,
      rejected,
    ]);
    assert.equal(texts.length, 3000);
    const expected = texts.map(portable);
    assert.deepEqual((await loaded.encodeAll(texts)).map((ids) => [...ids]), expected);
    const crate = openNativeEncoder(model, () => assert.fail("a text that the crate cannot write"));
    assert.deepEqual(await crate.encodeMany!(texts), expected);
  },
});
