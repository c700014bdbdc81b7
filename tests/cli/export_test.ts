import assert from "node:assert/strict";
import { join } from "node:path";
import { ballast, ballastJson } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";
import { goldenFolder } from "../train/golden.ts";
import { writeSmallTokenizer } from "./small_tokenizer.ts";

const MODEL = goldenFolder("llama/model");
const ADAPTER = goldenFolder("llama/lora_final");

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("export of models and adapters from paths", async (t) => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  const inScratch = (name: string) => join(scratch.path, name);
  await writeSmallTokenizer(inScratch("tokenizer"), ["say black two times"]);
  const given = ["export", "--model", MODEL, "--tokenizer", "tokenizer"];

  await t.step("--json names the folder and its files; nothing else is left", async () => {
    const found = await ballastJson<{ folder: string; files: string[] }>(
      [...given, "--out", "deep/out"],
      place,
    );
    assert.equal(found.folder, inScratch("deep/out"));
    assert.deepEqual(found.files, [
      "README.md",
      "chat_template.jinja",
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    assert.deepEqual(names(inScratch("deep/out")), found.files);
    assert.deepEqual(names(inScratch("deep")), ["out"]);
  });

  await t.step("the same export gives the same bytes", async () => {
    await ballastJson([...given, "--out", "again"], place);
    for (const name of names(inScratch("again"))) {
      const [a, b] = ["again", "deep/out"].map((out) =>
        Deno.readFileSync(inScratch(`${out}/${name}`))
      );
      assert.deepEqual(a, b, name);
    }
  });

  await t.step(
    "an adapter by itself has PEFT's files, the tokenizer, its base and a card",
    async () => {
      const args = [
        ...given,
        "--adapter",
        ADAPTER,
        "--base-model",
        "owner/base",
        "--out",
        "adapter",
      ];
      await ballastJson(args, place);
      assert.deepEqual(names(inScratch("adapter")), [
        ...["README.md", "adapter_config.json", "adapter_model.safetensors"],
        ...["chat_template.jinja", "tokenizer.json", "tokenizer_config.json"],
      ]);
      const config = JSON.parse(await Deno.readTextFile(inScratch("adapter/adapter_config.json")));
      assert.equal(config.base_model_name_or_path, "owner/base");
      const card = await Deno.readTextFile(inScratch("adapter/README.md"));
      assert.match(card, /^base_model: "owner\/base"\nbase_model_relation: "adapter"$/m);
      assert.match(card, /^library_name: "peft"$/m);
      assert.match(card, /from_pretrained\("owner\/base"\)/);
    },
  );

  await t.step("the licence in a folder's card is the exported model's", async () => {
    await Deno.mkdir(inScratch("licensed"));
    for (const name of ["config.json", "model.safetensors"]) {
      await Deno.copyFile(join(MODEL, name), inScratch(`licensed/${name}`));
    }
    await Deno.writeTextFile(
      inScratch("licensed/README.md"),
      "---\nlicense: other\nlicense_name: gemma\n---\n",
    );
    const args = [
      "export",
      "--model",
      "licensed",
      "--tokenizer",
      "tokenizer",
      "--out",
      "from-card",
    ];
    await ballastJson(args, place);
    const card = await Deno.readTextFile(inScratch("from-card/README.md"));
    assert.match(card, /^license: "other"\nlicense_name: "gemma"$/m);
    assert.match(card, /licence is gemma, as the card of its folder states it/);
  });

  const refusals: readonly [args: string[], message: RegExp][] = [
    [
      [...given, "--out", "deep/out"],
      /--out: Expected a new or empty folder but found files in .*deep\/out/,
    ],
    [["export", "--out", "x"], /--model: Expected either an instance .* but found neither/],
    [[...given, "train/dpo@seed=0", "--out", "x"], /--model: Expected either .* but found both/],
    [[...given, "--merge", "--out", "x"], /--merge: Expected --adapter beside it/],
    [
      [...given, "--adapter", ADAPTER, "--out", "x"],
      /--base-model: Expected the name on the hub of the model that the adapter is for/,
    ],
    [
      [...given, "--base-model", "/a/path", "--out", "x"],
      /--base-model: Expected a name on the hub, OWNER\/NAME, but found "\/a\/path"/,
    ],
    [[...given, "--max-shard-size", "5 potatoes", "--out", "x"], /such as 5GB or 200MB/],
    [[...given, "--dtype", "int8", "--out", "x"], /float32, bfloat16, float16/],
    [
      ["export", "--model", "nothing", "--out", "x"],
      /--model: Expected a file or folder at .*nothing but found nothing/,
    ],
  ];
  for (const [args, message] of refusals) {
    await t.step(`refuses ${args.slice(1).join(" ").replaceAll(MODEL, "MODEL")}`, async () => {
      const { code, stdout, stderr } = await ballast([...args, "--json"], place);
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n +at /);
      assert(!names(scratch.path).some((name) => /^x$|exporting/.test(name)), "nothing is left");
    });
  }

  await t.step("a model without tokenizer is refused by name, and nothing is left", async () => {
    const { code, stderr } = await ballast(["export", "--model", MODEL, "--out", "x"], place);
    assert([1, 2].includes(code));
    assert.match(stderr, /tokenizer(_config)?\.json: Expected a tokenizer's file but found none/);
    assert(!names(scratch.path).some((name) => /^x$|exporting/.test(name)));
  });

  await t.step(
    "a tokenizer with more tokens than the model is refused, and nothing is left",
    async () => {
      await Deno.mkdir(inScratch("larger"));
      for (const name of names(inScratch("tokenizer"))) {
        await Deno.copyFile(inScratch(`tokenizer/${name}`), inScratch(`larger/${name}`));
      }
      const json = JSON.parse(await Deno.readTextFile(inScratch("larger/tokenizer.json")));
      json.added_tokens.push({ ...json.added_tokens[0], id: 1024, content: "<|more|>" });
      await Deno.writeTextFile(inScratch("larger/tokenizer.json"), JSON.stringify(json));
      const larger = ["export", "--model", MODEL, "--tokenizer", "larger", "--out", "x"];
      for (const more of [[], ["--adapter", ADAPTER, "--base-model", "owner/base"]]) {
        const { code, stdout, stderr } = await ballast([...larger, ...more], place);
        assert.deepEqual([code, stdout], [1, ""]);
        assert.match(
          stderr,
          /larger: Expected at most 1024 tokens, as the model has, but found 1025\./,
        );
        assert(!names(scratch.path).some((name) => /^x$|exporting/.test(name)));
      }
    },
  );
});

Deno.test("export of an instance: what is in the store, and nothing is run for it", async (t) => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  const place = { folder: scratch.path };
  const here = [...SMALL_TINY, "--store", store];
  await ballastJson(["run", "initial", ...here]);

  await t.step("a model that was never trained says so", async () => {
    await ballastJson(["export", "initial", ...here, "--out", "initial"], place);
    const card = await Deno.readTextFile(join(scratch.path, "initial/README.md"));
    assert.match(card, /^license: "unknown"$/m);
    assert.match(card, /Base model \| none: its weights were random before training/);
    assert.doesNotMatch(card, /^base_model/m);
  });

  const refusals: readonly [name: string, code: number, message: RegExp][] = [
    ["train/dppo@seed=0", 2, /found none of this name\. Did you mean "train\/dpo@seed=0"\?/],
    ["train", 2, /Expected one instance but found 4: train\/sft@seed=0, train\/dpo@seed=0/],
    ["compare", 2, /Expected an instance that gives a model but found one that gives results/],
    ["train/dpo", 1, /train\/dpo@seed=0 is missing: .* `ballast run train\/dpo@seed=0`/],
  ];
  for (const [name, expected, message] of refusals) {
    await t.step(`refuses ${name}`, async () => {
      const { code, stderr } = await ballast(["export", name, ...here, "--out", "x"], place);
      assert.equal(code, expected, stderr);
      assert.match(stderr, message);
    });
  }
});
