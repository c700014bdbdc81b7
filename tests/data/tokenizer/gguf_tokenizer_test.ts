import assert from "node:assert/strict";
import { InputError } from "../../../core/problem.ts";
import { BYTE_CHARACTERS } from "../../../data/tokenizer/byte_alphabet.ts";
import { loadTokenizer, type Tokenizer } from "../../../data/tokenizer/tokenizer.ts";
import { saveTokenizerFiles } from "../../../data/tokenizer/tokenizer_files.ts";
import { ggufFile } from "../../train/models/gguf_writer.ts";

const MERGES = ["a b", "Ġ ab", "1 2", "12 3", "Ċ Ċ", "ab ab"];
const TOKENS = [
  "<|end|>",
  "<|user|>",
  "[mark]",
  ...BYTE_CHARACTERS,
  ...MERGES.slice(0, 5).map((merge) => merge.replace(" ", "")),
  "abab",
  "whole",
];
const KINDS: number[] = TOKENS.map((_, id) => [3, 3, 4][id] ?? 1);

const BASE: Readonly<Record<string, unknown>> = {
  "general.architecture": "llama",
  "tokenizer.ggml.model": "gpt2",
  "tokenizer.ggml.pre": "gpt-2",
  "tokenizer.ggml.tokens": TOKENS,
  "tokenizer.ggml.token_type": KINDS,
  "tokenizer.ggml.merges": MERGES,
  "tokenizer.ggml.bos_token_id": 1,
  "tokenizer.ggml.eos_token_id": 0,
  "tokenizer.chat_template": "{% for m in messages %}{{ m.content + eos_token }}{% endfor %}",
};

/** Uses a tokenizer of the base's metadata, changed; undefined leaves a key out. */
async function withGguf<T>(
  change: Readonly<Record<string, unknown>>,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    const metadata = Object.entries({ ...BASE, ...change });
    const path = `${folder}/model.gguf`;
    await Deno.writeFile(path, ggufFile(metadata.filter(([, value]) => value !== undefined)));
    return await use(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const pieces = (tokenizer: Tokenizer, text: string) =>
  [...tokenizer.encode(text)].map((id) => TOKENS[id]);

Deno.test("loadTokenizer() reads a GGUF file's vocabulary, merges and special tokens", async () => {
  await withGguf({}, async (path) => {
    const tokenizer = await loadTokenizer(path);
    assert.equal(tokenizer.vocabSize, TOKENS.length);
    assert.deepEqual([tokenizer.bosId, tokenizer.eosId, tokenizer.padId], [1, 0, null]);
    assert.deepEqual(tokenizer.specialTokens, ["<|end|>", "<|user|>"]);
    assert.deepEqual(pieces(tokenizer, "ab ab<|user|>b[mark]"), [
      "ab",
      "Ġab",
      "<|user|>",
      "b",
      "[mark]",
    ]);
    assert.equal(tokenizer.decode(tokenizer.encode("<|user|>é ab[mark]<|end|>")), "é ab[mark]");
    const messages = [{ role: "user", content: "hi" }] as const;
    assert.equal(
      tokenizer.chatTemplate!.render(messages, { addGenerationPrompt: false }),
      "hi<|end|>",
    );
  });
});

Deno.test("loadTokenizer() cuts words as the file's pre-tokenizer does", async () => {
  const cut = (pre: string, text: string) =>
    withGguf(
      { "tokenizer.ggml.pre": pre },
      async (path) => pieces(await loadTokenizer(path), text),
    );
  assert.deepEqual(await cut("gpt-2", "123\n\nab"), ["123", "Ċ", "Ċ", "ab"]);
  assert.deepEqual(await cut("llama-bpe", "1231\n\nab"), ["123", "1", "ĊĊ", "ab"]);
  assert.deepEqual(await cut("llama3", "1231\n\nab"), ["123", "1", "ĊĊ", "ab"]);
  assert.deepEqual(await cut("qwen2", "123\n\nab"), ["1", "2", "3", "ĊĊ", "ab"]);
  // No merges lead to this token: llama-bpe takes a word that is a token whole, the others do not.
  assert.deepEqual(await cut("llama-bpe", "whole"), ["whole"]);
  assert.deepEqual(await cut("qwen2", "whole"), [..."whole"]);
  // qwen2 composes: e and U+0301 become é, two bytes.
  assert.equal((await cut("qwen2", "e\u0301")).length, 2);
  assert.equal((await cut("gpt-2", "e\u0301")).length, 3);
});

Deno.test("saveTokenizerFiles() writes a GGUF file's tokenizer as a folder that equals it", async () => {
  await withGguf({ "tokenizer.ggml.add_bos_token": true }, async (path) => {
    const folder = `${path}.folder`;
    await saveTokenizerFiles(path, folder);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["chat_template.jinja", "tokenizer.json", "tokenizer_config.json"]);
    const [before, after] = [await loadTokenizer(path), await loadTokenizer(folder)];
    for (const text of ["ab ab123\n\n<|user|>日本 [mark]é", "whole", ""]) {
      assert.deepEqual(after.encode(text), before.encode(text));
    }
    assert.deepEqual(after.config, before.config);
    assert.equal(after.chatTemplate!.source, before.chatTemplate!.source);
    const { post_processor } = JSON.parse(await Deno.readTextFile(`${folder}/tokenizer.json`));
    assert.deepEqual(post_processor.special_tokens["<|user|>"].ids, [1]);
  });
});

Deno.test("loadTokenizer() works without a chat template, and without kinds of tokens", async () => {
  const change = { "tokenizer.chat_template": undefined, "tokenizer.ggml.token_type": undefined };
  await withGguf(change, async (path) => {
    const tokenizer = await loadTokenizer(path);
    assert.deepEqual([tokenizer.chatTemplate, tokenizer.specialTokens], [null, []]);
  });
});

const refused = (change: Readonly<Record<string, unknown>>) =>
  withGguf(change, async (path) => {
    try {
      await loadTokenizer(path);
    } catch (error) {
      assert(error instanceof InputError, `${error}`);
      return error.problems.map(({ nearest: near, ...problem }) =>
        `${problem.path.slice(path.length + 2)}: ${problem.message}${near ? ` ${near}?` : ""}`
      );
    }
    return [];
  });

Deno.test("loadTokenizer() refuses SentencePiece and says what to do", async () => {
  const advice = "which is not read from GGUF. Name a Hugging Face folder that holds the model's " +
    "tokenizer.json: --tokenizer of a command, tokenizer of the stage base-model.";
  assert.deepEqual(await refused({ "tokenizer.ggml.model": "llama" }), [
    `tokenizer.ggml.model: Expected "gpt2", a byte-level BPE, but found "llama", ${advice}`,
  ]);
  assert.deepEqual(await refused({ "tokenizer.ggml.model": undefined }), [
    `tokenizer.ggml.model: Expected "gpt2", a byte-level BPE, but found none, ${advice}`,
  ]);
});

Deno.test("loadTokenizer() names all that is wrong with a GGUF file's vocabulary", async () => {
  const known = "Expected one of gpt-2, llama-bpe, qwen2, smollm but found";
  assert.deepEqual(
    await refused({
      "tokenizer.ggml.pre": "qwen",
      "tokenizer.ggml.tokens": ["a", "b", "a"],
      "tokenizer.ggml.merges": ["a b", "a b c"],
      "tokenizer.ggml.eos_token_id": 3,
    }),
    [
      'tokenizer.ggml.tokens: Expected distinct tokens but found "a" at 0 and 2.',
      'tokenizer.ggml.merges: Expected two tokens with a blank between but found "a b c" at 1.',
      `tokenizer.ggml.pre: ${known} qwen. qwen2?`,
      "tokenizer.ggml.eos_token_id: Expected an id below 3 but found 3.",
    ],
  );
  assert.deepEqual(
    await refused({ "tokenizer.ggml.eos_token_id": 999, "tokenizer.ggml.token_type": [1] }),
    [
      `tokenizer.ggml.token_type: Expected ${TOKENS.length} numbers, one for each token.`,
      `tokenizer.ggml.eos_token_id: Expected an id below ${TOKENS.length} but found 999.`,
    ],
  );
  assert.deepEqual(await refused({ "tokenizer.ggml.pre": "__proto__" }), [
    `tokenizer.ggml.pre: ${known} __proto__.`,
  ]);
  assert.deepEqual(await refused({ "tokenizer.ggml.merges": 7, "tokenizer.ggml.pre": undefined }), [
    "tokenizer.ggml.merges: Expected a list of texts.",
    `tokenizer.ggml.pre: ${known} none.`,
  ]);
});
