import assert from "node:assert/strict";
import { join } from "node:path";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { writeWorldTokenizer } from "../../data/world/tokenizer.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { saveAdapter } from "../../train/models/adapter.ts";
import { parseModelConfig } from "../../train/models/config.ts";
import { initializeModel, saveModel } from "../../train/models/model.ts";
import { ballast, ballastJson } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";

interface GenerateDocument {
  rows: { prompt: unknown; text: string; tokens: number; stop: string }[];
}

const PROMPTS = ["copy dog cat", "name two fruits then three tools", "say plum two times"];

/** A random model with the tiny world's tokenizer; an adapter that changes it; prompts. */
async function prepare(root: string): Promise<void> {
  const folder = join(root, "model");
  await writeWorldTokenizer(folder);
  const tokenizer = await loadTokenizer(folder);
  const config = parseModelConfig({
    model_type: "llama",
    vocab_size: tokenizer.vocabSize,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
    initializer_range: 0.5,
    eos_token_id: tokenizer.eosId,
  }, "config.json");
  await saveModel(initializeModel(config, 1), folder);
  const adapter = newAdapter({ rank: 2 }, { model: config, seed: 1 });
  for (const { data } of adapter.weights.values()) data.fill(0.5);
  await saveAdapter(adapter, join(root, "adapter"));
  const rows = PROMPTS.map((prompt) => `${JSON.stringify({ prompt })}\n`);
  await Deno.writeTextFile(join(root, "prompts.jsonl"), rows.join(""));
  await Deno.writeTextFile(join(root, "plain.jinja"), "{{ messages[0].content }}");
  await Deno.writeTextFile(join(root, "fixed.jinja"), "copy dog");
}

const model = ["generate", "--model", "model", "--threads", "1", "--max-new-tokens", "7"];
const file = [...model, "--prompts", "prompts.jsonl"];

Deno.test("generate replies to prompts as the contract says", async (t) => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  await prepare(scratch.path);
  const json = (args: string[]) => ballastJson<GenerateDocument>(args, place);
  const greedy = await json(file);

  await t.step("--json has the contract's fields, a row for each prompt", () => {
    assert.deepEqual(Object.keys(greedy), ["rows"]);
    assert.deepEqual(greedy.rows.map(({ prompt }) => prompt), PROMPTS);
    for (const row of greedy.rows) {
      assert.deepEqual(Object.keys(row), ["prompt", "text", "tokens", "stop"]);
      assert(row.stop === "end" || row.stop === "length" && row.tokens === 7);
    }
    assert(new Set(greedy.rows.map(({ text }) => text)).size > 1, "replies hang on the prompt");
  });

  await t.step(
    "--prompt gives what a file's row gives; another template another reply",
    async () => {
      const texts = PROMPTS.slice(0, 2).flatMap((prompt) => ["--prompt", prompt]);
      assert.deepEqual(await json([...model, ...texts]), { rows: greedy.rows.slice(0, 2) });
      assert.notDeepEqual(await json([...file, "--template", "plain.jinja"]), greedy);
    },
  );

  await t.step("a temperature draws by the seed, several samples a prompt", async () => {
    const drawn = [...file, "--temperature", "1.5", "--top-p", "0.9", "--samples", "3"];
    const first = await json(drawn);
    assert.deepEqual(first.rows.map(({ prompt }) => prompt), PROMPTS.flatMap((p) => [p, p, p]));
    assert(new Set(first.rows.slice(0, 3).map(({ text }) => text)).size > 1);
    assert.deepEqual(await json(drawn), first);
    assert.notDeepEqual(await json([...drawn, "--seed", "1"]), first);
  });

  await t.step("an adapter changes the replies", async () => {
    assert.notDeepEqual(await json([...file, "--adapter", "adapter"]), greedy);
  });

  await t.step("what greedy replies ignore is said", async () => {
    const { code, stderr } = await ballast([...file, "--top-p", "0.9"], place);
    assert.equal(code, 0);
    assert.match(stderr, /greedy without --temperature: ignored --top-p\./);
  });

  await t.step("--out writes rows; standard output then holds nothing", async () => {
    const { code, stdout, stderr } = await ballast([...file, "--out", "replies.jsonl"], place);
    assert.deepEqual([code, stdout], [0, ""]);
    assert.match(stderr, /3 replies in replies\.jsonl\./);
    const lines = await Deno.readTextFile(join(scratch.path, "replies.jsonl"));
    assert.deepEqual(lines.trimEnd().split("\n").map((line) => JSON.parse(line)), greedy.rows);
  });

  await t.step("text that would act on the terminal is written out", async () => {
    const args = [...model, "--template", "fixed.jinja", "--prompt", "a\u001b[31mb\nc"];
    const { stdout } = await ballast(args, place);
    assert.match(stdout, /^> a\\x1b\[31mb\n> c\n\n/);
  });

  await t.step("what is wrong is said by option, file and line", async () => {
    const refused = async (args: string[], expected: RegExp, code = 2) => {
      const called = await ballast(args, place);
      assert.deepEqual([called.code, called.stdout], [code, ""]);
      assert.match(called.stderr, expected);
    };
    await refused([...file, "--prompt", "x"], /--prompts: Expected either --prompts or --prompt/);
    await refused([...file, "--temperature", "0"], /--temperature: /);
    await refused([...file, "--tf32"], /--tf32: Expected false unless device is a GPU/);
    await refused([...file, "--system", "Be terse.", "--max-new-tokens", "64"], /positions/, 1);
    await Deno.writeTextFile(join(scratch.path, "bad.jsonl"), '{"prompt": "a"}\n{"prompt": 1}\n');
    await refused([...model, "--prompts", "bad.jsonl"], /bad\.jsonl:2: Expected a row/, 1);
    await Deno.writeTextFile(
      join(scratch.path, "fussy.jinja"),
      "{% if messages[0].content == 'no' %}{{ raise_exception('Not no.') }}{% endif %}copy dog",
    );
    const rows = ["yes", "no", "yes", "no"].map((prompt) => `${JSON.stringify({ prompt })}\n`);
    await Deno.writeTextFile(join(scratch.path, "fussy.jsonl"), rows.join("\n"));
    const fussy = [...model, "--prompts", "fussy.jsonl", "--template", "fussy.jinja"];
    await refused(fussy, /fussy\.jsonl:3: .*Not no\.\n.*fussy\.jsonl:7: .*Not no\./, 1);
    const system = [{ role: "system", content: "s" }, { role: "user", content: "u" }];
    await Deno.writeTextFile(join(scratch.path, "own.jsonl"), JSON.stringify({ prompt: system }));
    const own = [...model, "--prompts", "own.jsonl", "--system", "Be terse."];
    await refused(own, /own\.jsonl:1: Expected no system message, where --system gives one/, 1);
    await refused(model, /--prompts: .* a text on standard input but found none\.$/m);
  });

  await t.step("a prompt of no file is named by its option", async () => {
    const texts = ["--prompt", "yes", "--prompt", "no", "--template", "fussy.jinja"];
    const refused = await ballast([...model, ...texts], place);
    assert.match(refused.stderr, /^error: --prompt:2: .*Not no\.$/m);
    const { stderr } = await ballast([...model, "--prompt", "copy dog cat"], place);
    assert.doesNotMatch(stderr, /ballast-generate/);
  });
});
