import assert from "node:assert/strict";
import { loadTokenizer } from "../../../data/tokenizer/tokenizer.ts";
import { trainByteLevelBpe } from "../../../data/tokenizer/train_bpe.ts";
import { tokenizerKinds, writeKind } from "./tokenizer_kinds.ts";
import { writeBpeTokenizer } from "../../../data/tokenizer/write_bpe_tokenizer.ts";

const specialTokens = ["<pad>", "<s>", "</s>"];

/** A small tokenizer's folder, with `change` applied to its tokenizer_config.json. */
async function folderWith(change: Record<string, unknown>, chatTemplate: string | null = null) {
  const folder = await Deno.makeTempDir();
  const vocabulary = await trainByteLevelBpe(["low lower lowest"], {
    vocabSize: 270,
    specialTokens,
  });
  await writeBpeTokenizer(folder, {
    vocabulary,
    specialTokens,
    padToken: "<pad>",
    bosToken: "<s>",
    eosToken: "</s>",
    chatTemplate,
  });
  const path = `${folder}/tokenizer_config.json`;
  const config = { ...JSON.parse(await Deno.readTextFile(path)), ...change };
  await Deno.writeTextFile(path, JSON.stringify(config));
  return folder;
}

Deno.test("loadTokenizer() recognises special tokens in text and adds none", async () => {
  const folder = await folderWith({});
  const tokenizer = await loadTokenizer(folder);
  assert.deepEqual([tokenizer.padId, tokenizer.bosId, tokenizer.eosId], [0, 1, 2]);
  const ids = tokenizer.encode("low</s><s>low");
  assert.deepEqual([...ids].filter((id) => id < 3), [2, 1]);
  assert.equal(ids[0], ids[ids.length - 1]);
  assert.equal(tokenizer.decode(ids), "lowlow");
  assert.equal(tokenizer.decode(ids, { keepSpecialTokens: true }), "low</s><s>low");
  assert.deepEqual(tokenizer.specialTokens, specialTokens);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadTokenizer() decodes to the text as it was, blanks before full stops included", async () => {
  const folder = await folderWith({});
  const tokenizer = await loadTokenizer(folder);
  for (const text of ["low . lower ?  x\n\n", "it 's n't", "ü 😀 \u0000\uFEFF\u0085 x"]) {
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadTokenizer() decodes tokens that stand for bytes as the tokenizers crate does", async () => {
  for (const [name, tokenizer] of Object.entries(await tokenizerKinds())) {
    const { vocab, byte_fallback: falls } = tokenizer.model as Record<string, unknown>;
    if (falls !== true) continue;
    const folder = await writeKind(tokenizer);
    const { decode } = await loadTokenizer(folder);
    await Deno.remove(folder, { recursive: true });
    const ids = vocab as Record<string, number>;
    // What decoders.ByteFallback() of the crate's Python binding, 0.23, gives.
    const cases: [string[], string][] = [
      [["<0xEF>", "<0xBB>", "<0xBF>", "a"], "\uFEFFa"],
      [["a", "<0xE4>", "<0xBD>"], "a\uFFFD\uFFFD"],
      [["<0xE4>", "<0xBD>", "<0xA0>", "<0xE4>"], "\uFFFD".repeat(4)],
      [["<0xE4>", "<0xBD>", "<0xA0>"], "你"],
    ];
    for (const [tokens, text] of cases) {
      assert.equal(decode(tokens.map((token) => ids[token])), text, name);
    }
  }
});

Deno.test("loadTokenizer() refuses templates of which none is the default, unless one is named", async () => {
  const folder = await folderWith({
    chat_template: [{ name: "tool_use", template: "a" }, { name: "rag", template: "b" }],
  });
  await assert.rejects(loadTokenizer(folder), {
    name: "InputError",
    message:
      `${folder}/tokenizer_config.json: chat_template: Expected a text, or several templates of ` +
      "which one is called default, but found tool_use, rag. Name a file with the one to take: " +
      "--template of a command, chatTemplate of the stage base-model.",
  });
  const template = `${folder}/own.jinja`;
  await Deno.writeTextFile(template, "own");
  assert.equal((await loadTokenizer(folder, { template })).chatTemplate?.source, "own");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadTokenizer() refuses templates that are no UTF-8, wherever they stand", async () => {
  const folder = await folderWith({});
  const message = /chat_template\.jinja: Expected UTF-8 text but found other bytes\.$/;
  const file = `${folder}/chat_template.jinja`;
  await Deno.writeFile(file, Uint8Array.of(0x61, 0xff));
  await assert.rejects(loadTokenizer(folder), { name: "InputError", message });
  await assert.rejects(loadTokenizer(folder, { template: file }), { name: "InputError", message });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadTokenizer() takes special tokens given as records, and a template in the config", async () => {
  const folder = await folderWith({
    eos_token: { content: "<s>", lstrip: false },
    pad_token: null,
    chat_template: [
      { name: "tool_use", template: "wrong" },
      { name: "default", template: "{{ eos_token }}" },
    ],
  });
  const tokenizer = await loadTokenizer(folder);
  assert.deepEqual([tokenizer.eosId, tokenizer.padId], [1, null]);
  assert.equal(tokenizer.chatTemplate?.render([], { addGenerationPrompt: true }), "<s>");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadTokenizer() takes special_tokens_map.json where transformers takes it", async () => {
  const tokensWith = async (config: Record<string, unknown>, map: Record<string, unknown>) => {
    const folder = await folderWith({ chat_template: "{{ bos_token }}", ...config });
    await Deno.writeTextFile(`${folder}/special_tokens_map.json`, JSON.stringify(map));
    try {
      const { bosId, eosId, padId, chatTemplate } = await loadTokenizer(folder);
      const text = chatTemplate!.render([], { addGenerationPrompt: false });
      return [text, bosId, eosId, padId];
    } catch (error) {
      return (error as Error).message.replace(folder, "");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  };
  // Expected of each: what AutoTokenizer of transformers 5.23 has.
  const none = { bos_token: undefined, pad_token: undefined };
  const bos = { content: "<s>", lstrip: false };
  assert.deepEqual(await tokensWith(none, { bos_token: bos, pad_token: "</s>" }), ["<s>", 1, 2, 2]);
  assert.deepEqual(await tokensWith({}, { bos_token: null, eos_token: "<pad>" }), ["", null, 0, 0]);
  const decoder = { added_tokens_decoder: {} };
  assert.deepEqual(await tokensWith(decoder, { bos_token: "</s>" }), ["<s>", 1, 2, 0]);
  assert.equal(
    await tokensWith({}, { bos_token: "<x>" }),
    '/special_tokens_map.json: Expected bos_token to be in the vocabulary but found "<x>".',
  );
});

Deno.test("loadTokenizer() prefers chat_template.jinja to the config's template", async () => {
  const folder = await folderWith({ chat_template: "config" }, "file");
  const { chatTemplate } = await loadTokenizer(folder);
  assert.equal(chatTemplate?.source, "file");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadTokenizer() says what is wrong with a folder", async () => {
  const folder = await folderWith({ eos_token: "<end>" });
  const refused = (message: string) =>
    assert.rejects(loadTokenizer(folder), { name: "InputError", message });
  await refused(
    `${folder}/tokenizer_config.json: Expected eos_token to be in the vocabulary but found "<end>".`,
  );
  await Deno.writeTextFile(`${folder}/tokenizer_config.json`, "[]");
  await refused(`${folder}/tokenizer_config.json: Expected a JSON object but found another value.`);
  await Deno.remove(`${folder}/tokenizer_config.json`);
  await refused(`${folder}/tokenizer_config.json: Expected a tokenizer's file but found none.`);
  await Deno.writeTextFile(`${folder}/tokenizer_config.json`, "{}");
  await Deno.writeTextFile(`${folder}/tokenizer.json`, "{}");
  await assert.rejects(loadTokenizer(folder), {
    name: "InputError",
    message: /tokenizer\.json: Expected a tokenizer of a supported kind but found: .*model/,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("digest() tells tokenizers apart by what ids depend on, and by nothing else", async () => {
  const folder = await folderWith({});
  const path = `${folder}/tokenizer.json`;
  const given = await Deno.readTextFile(path);
  // deno-lint-ignore no-explicit-any
  const digestWith = async (change: (tokenizer: any) => void) => {
    const tokenizer = JSON.parse(given);
    change(tokenizer);
    await Deno.writeTextFile(path, JSON.stringify(tokenizer));
    return (await loadTokenizer(folder)).digest();
  };
  const own = await digestWith(() => {});
  const merges: [string, string][] = JSON.parse(given).model.merges;
  const same = [
    await digestWith(({ model }) => model.merges = merges.map((merge) => merge.join(" "))),
    await digestWith((tokenizer) => tokenizer.truncation = { max_length: 3 }),
    await digestWith(({ model }) =>
      model.vocab = Object.fromEntries(Object.entries(model.vocab).reverse())
    ),
  ];
  assert.deepEqual(same, same.map(() => own));
  const others = [
    await digestWith(({ model }) => model.merges = merges.toReversed()),
    await digestWith(({ model: { vocab } }) => [vocab.a, vocab.b] = [vocab.b, vocab.a]),
    await digestWith((tokenizer) => tokenizer.added_tokens[0].lstrip = true),
    await digestWith((tokenizer) => tokenizer.normalizer = { type: "NFC" }),
    await digestWith((tokenizer) => tokenizer.pre_tokenizer.use_regex = false),
  ];
  assert.equal(new Set([own, ...others]).size, others.length + 1);
  await Deno.remove(folder, { recursive: true });
});
