import assert from "node:assert/strict";
import { exportTokenizer } from "../../../data/tokenizer/export_tokenizer.ts";
import { loadTokenizer } from "../../../data/tokenizer/tokenizer.ts";
import { NEEDS_PEERS, peersPresent } from "../../peers.ts";
import { runPython } from "../../run_python.ts";
import { tokenizerKinds } from "./tokenizer_kinds.ts";

type Json = Record<string, unknown>;

const kinds = await tokenizerKinds();

/** A tokenizer of a class that tells what its tokenizer.json says, by the kind's name. */
const AGREEING: Readonly<Record<string, Json>> = {
  "gpt-2": kinds["gpt-2"],
  "qwen2": {
    ...kinds.qwen2,
    pre_tokenizer: JSON.parse(
      JSON.stringify(kinds.qwen2.pre_tokenizer).replace("\\\\p{N}{1,3}", "\\\\p{N}"),
    ),
  },
  "llama": {
    ...kinds.mistral,
    normalizer: null,
    pre_tokenizer: {
      type: "Metaspace",
      replacement: "▁",
      prepend_scheme: "first",
      split: false,
    },
  },
  "gemma": kinds.gemma,
};

/** Writes a tokenizer's folder, gives it to `use`, and removes it. */
async function withFolder<T>(
  { tokenizer, config, modelType }: {
    readonly tokenizer: Json;
    readonly config: Json;
    readonly modelType?: string;
  },
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  const write = (name: string, value: Json) =>
    Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(value));
  await write("tokenizer.json", tokenizer);
  await write("tokenizer_config.json", {
    ...{ bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>", pad_token: "<unk>" },
    ...{ clean_up_tokenization_spaces: false },
    ...config,
  });
  if (modelType !== undefined) await write("config.json", { model_type: modelType });
  try {
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const remarksOf = (given: Parameters<typeof withFolder>[0]) =>
  withFolder(given, async (folder) => {
    const { remarks } = await loadTokenizer(folder);
    return remarks.map((remark) => remark.replace(folder, ""));
  });

const reads = (name: string, key: string) =>
  `/tokenizer_config.json: ${key}: transformers reads a ${name} otherwise than this tokenizer.json says, with ` +
  "other ids for some texts; tokenizer.json is followed, here and by what `ballast export` writes";

Deno.test("loadTokenizer() names a class that makes another tokenizer than tokenizer.json says", async () => {
  const cases = [
    [kinds.mistral, { tokenizer_class: "LlamaTokenizerFast", legacy: true }],
    [AGREEING.llama, { tokenizer_class: "LlamaTokenizer", legacy: true }, "legacy"],
    [
      AGREEING.llama,
      { tokenizer_class: "LlamaTokenizer", add_prefix_space: false },
      "add_prefix_space",
    ],
    [
      kinds["gpt-2"],
      { tokenizer_class: "GPT2Tokenizer", add_prefix_space: true },
      "add_prefix_space",
    ],
    [kinds["llama-3"], { tokenizer_class: "GPT2TokenizerFast" }],
    [kinds.qwen2, { tokenizer_class: "Qwen2Tokenizer" }],
    [kinds.mistral, { tokenizer_class: "GemmaTokenizer" }],
  ] as const;
  for (const [tokenizer, config, key = "tokenizer_class"] of cases) {
    const name = config.tokenizer_class.replace("Fast", "");
    assert.deepEqual(
      await remarksOf({ tokenizer, config }),
      [reads(name, key)],
      JSON.stringify(config),
    );
  }
});

Deno.test("loadTokenizer() says nothing of classes that agree with tokenizer.json", async () => {
  const classes = {
    "gpt-2": ["GPT2Tokenizer", "LlamaTokenizer"],
    "qwen2": ["Qwen2TokenizerFast"],
    "llama": ["LlamaTokenizerFast"],
    "gemma": ["GemmaTokenizerFast"],
  };
  for (const [kind, names] of Object.entries(classes)) {
    for (const name of [...names, "PreTrainedTokenizerFast", "TokenizersBackend"]) {
      const given = { tokenizer: AGREEING[kind], config: { tokenizer_class: name } };
      assert.deepEqual(await remarksOf(given), [], `${kind} ${name}`);
    }
  }
  // Of this family's models no class is asked.
  const config = { tokenizer_class: "LlamaTokenizer", legacy: true };
  assert.deepEqual(await remarksOf({ tokenizer: kinds.mistral, config, modelType: "mistral" }), []);
});

Deno.test("loadTokenizer() names what AutoTokenizer makes of any qwen2 model's tokenizer", async () => {
  const config = { tokenizer_class: "PreTrainedTokenizerFast" };
  const given = { config, modelType: "qwen2" };
  assert.deepEqual(await remarksOf({ ...given, tokenizer: AGREEING.qwen2 }), []);
  assert.deepEqual(await remarksOf({ ...given, tokenizer: kinds["gpt-2"] }), [
    "/tokenizer_config.json: tokenizer_class: transformers takes the tokenizer of any qwen2 model for a Qwen2Tokenizer, " +
    "which this tokenizer.json is not, so that AutoTokenizer gives other ids for some texts; " +
    "PreTrainedTokenizerFast gives those of tokenizer.json, which is followed here",
  ]);
});

Deno.test("loadTokenizer() needs no config.json that is JSON, as those with an Infinity in them are not", async () => {
  const given = {
    tokenizer: kinds.mistral,
    config: { tokenizer_class: "PreTrainedTokenizerFast" },
  };
  await withFolder(given, async (folder) => {
    await Deno.writeTextFile(`${folder}/config.json`, `{"time_step_limit": [0.0, Infinity]}`);
    assert.deepEqual((await loadTokenizer(folder)).remarks, []);
  });
});

Deno.test("loadTokenizer() finds tokens that the config alone names, and says which have no id", async () => {
  const { vocab } = kinds["gpt-2"].model as { vocab: Record<string, number> };
  const tokenizer = { ...kinds["gpt-2"], added_tokens: [] };
  const config = {
    additional_special_tokens: ["<|im_end|>", { content: "<new>" }, "a1", "b1", "c1"],
  };
  await withFolder({ tokenizer, config }, async (folder) => {
    const { encode, remarks, specialTokens } = await loadTokenizer(folder);
    const end = vocab["<|im_end|>"];
    assert.deepEqual([...encode("<s><|im_end|></s>")], [vocab["<s>"], end, vocab["</s>"]]);
    assert.deepEqual(specialTokens, ["<s>", "</s>", "<unk>", "<|im_end|>"]);
    assert.deepEqual(remarks.map((remark) => remark.replace(folder, "")), [
      '/tokenizer_config.json: additional_special_tokens: transformers adds "<new>" and 3 more, ' +
      "which the vocabulary lacks, with ids of their own; tokenizer.json is followed, here and by what " +
      "`ballast export` writes",
    ]);
  });
});

Deno.test("exportTokenizer() leaves the config of a tokenizer alone that agrees with its class", async () => {
  for (const [kind, name] of [["gpt-2", "GPT2Tokenizer"], ["llama", "LlamaTokenizer"]]) {
    const given = { tokenizer: AGREEING[kind], config: { tokenizer_class: name } };
    await withFolder(given, async (folder) => {
      await exportTokenizer(folder, `${folder}/out`, "llama");
      for (const file of ["tokenizer.json", "tokenizer_config.json"]) {
        const read = (from: string) => Deno.readTextFile(`${from}/${file}`);
        assert.equal(await read(`${folder}/out`), await read(folder));
      }
    });
  }
});

Deno.test("exportTokenizer() leaves no token that special_tokens_map.json alone names and that has no id", async () => {
  const tokenizer = kinds["gpt-2"];
  const config = { tokenizer_class: "GPT2Tokenizer" };
  await withFolder({ tokenizer, config }, async (folder) => {
    const map = { additional_special_tokens: ["<new>", "<s>"] };
    await Deno.writeTextFile(`${folder}/special_tokens_map.json`, JSON.stringify(map));
    const { remarks } = await loadTokenizer(folder);
    assert.match(
      remarks.join(),
      /\/special_tokens_map\.json: additional_special_tokens: transformers adds "<new>", /,
    );
    const exported = await exportTokenizer(folder, `${folder}/out`, "llama");
    assert.deepEqual(exported.remarks, []);
    assert.deepEqual((await loadTokenizer(`${folder}/out`)).remarks, []);
    const { additional_special_tokens, tokenizer_class } = JSON.parse(
      await Deno.readTextFile(`${folder}/out/tokenizer_config.json`),
    );
    assert.deepEqual(additional_special_tokens, ["<s>"]);
    assert.equal(tokenizer_class, "PreTrainedTokenizerFast");
  });
});

/** Configs, most of which contradict most kinds. */
const CONFIGS: readonly Json[] = [
  { tokenizer_class: "LlamaTokenizerFast", legacy: true },
  { tokenizer_class: "LlamaTokenizer", legacy: false },
  { tokenizer_class: "LlamaTokenizer", add_prefix_space: false },
  { tokenizer_class: "GPT2Tokenizer" },
  { tokenizer_class: "GPT2Tokenizer", add_prefix_space: true },
  { tokenizer_class: "GemmaTokenizer" },
  { tokenizer_class: "Qwen2Tokenizer" },
  { tokenizer_class: "PreTrainedTokenizerFast", additional_special_tokens: ["the", "they'll"] },
  { tokenizer_class: "PreTrainedTokenizerFast", add_prefix_space: true },
  {},
];

const TEXTS = [
  ...["the cat 12345", " the", "  they'll THEY'LL", "<s>the</s> cat</s>\n", "cafe\u0301 世界"],
  ...["<|im_start|>the\n\n  cat<|im_end|>\n", "</s></s> \t", "\n", "ü'S<unk> the"],
];

Deno.test({
  name:
    `transformers reads what is exported to the very ids, and otherwise only what is remarked ${NEEDS_PEERS}`,
  ignore: !peersPresent,
  async fn() {
    const root = await Deno.makeTempDir();
    const folders: { folder: string; isRemarked: boolean; isExport: boolean; ids: number[][] }[] =
      [];
    const all = {
      ...kinds,
      ...Object.fromEntries(
        Object.entries(AGREEING).map(([name, kind]) => [`${name} alike`, kind]),
      ),
    };
    for (const [kind, tokenizer] of Object.entries(all)) {
      for (const [i, config] of CONFIGS.entries()) {
        for (const modelType of ["llama", "mistral", "gemma", "qwen2"]) {
          await withFolder({ tokenizer, config, modelType }, async (given) => {
            const { encode, remarks } = await loadTokenizer(given);
            const ids = TEXTS.map((text) => [...encode(text)]);
            const folder = `${root}/${kind}-${i}-${modelType}`;
            const exported = await exportTokenizer(given, `${folder}-out`, modelType);
            await Deno.copyFile(`${given}/config.json`, `${folder}-out/config.json`);
            await Deno.rename(given, folder);
            await Deno.mkdir(given);
            const isRemarked = remarks.length > 0;
            folders.push({ folder, isRemarked, isExport: false, ids });
            const stays = exported.remarks.length > 0;
            assert.ok(modelType === "qwen2" || !stays);
            folders.push({ folder: `${folder}-out`, isRemarked: stays, isExport: true, ids });
          });
        }
      }
    }
    const script = new URL("auto_tokenizer.py", import.meta.url);
    const python = Deno.env.get("BALLAST_PYTHON") ?? "python3";
    const requests = folders.map(({ folder }) => ({ folder, texts: TEXTS }));
    const answers: number[][][] = JSON.parse(await runPython(python, script, requests));
    const differ = folders.map(({ ids }, i) => JSON.stringify(ids) !== JSON.stringify(answers[i]));
    folders.forEach(({ folder, isRemarked }, i) => {
      if (!isRemarked) assert.deepEqual(answers[i], folders[i].ids, folder.replace(root, ""));
    });
    // Remarks are of folders that are read otherwise, all of them as these texts show.
    const quiet = folders.filter(({ isRemarked }, i) => isRemarked && !differ[i]);
    assert.deepEqual(quiet.map(({ folder }) => folder.replace(root, "")), []);
    assert.ok(differ.filter((each) => each).length > 100);
    await Deno.remove(root, { recursive: true });
  },
});
