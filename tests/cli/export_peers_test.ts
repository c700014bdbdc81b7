import assert from "node:assert/strict";
import { join } from "node:path";
import { ballast } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { askPeers, NEEDS_PEERS, peersPresent } from "../peers.ts";
import { assertSameLogits } from "../same_logits.ts";
import { golden, goldenFolder } from "../train/golden.ts";
import { loadAdapter, mergeAdapter } from "../../train/models/adapter.ts";
import { FAMILIES } from "../../train/models/families.ts";
import { loadModel, type Model } from "../../train/models/model.ts";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { TEMPLATE, writeSmallTokenizer } from "./small_tokenizer.ts";

const TEXTS = ["say black two times", "Größe <|end|> 漢字\n\n  three", "name two tools"];

const prompts = golden<{ rows: { prompt: number[] }[] }>("tokens.json").rows.slice(0, 3)
  .map(({ prompt }) => prompt.slice(0, 40));

async function exportInto(folder: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await ballast(["export", ...args], { folder });
  assert.equal(code, 0, stderr);
}

function assertBitEqual(found: Model, expected: Model): void {
  assert.deepEqual(found.config, expected.config);
  assert.deepEqual([...found.weights.keys()], [...expected.weights.keys()]);
  for (const [name, { dims, data }] of expected.weights) {
    const other = found.weights.get(name)!;
    assert.deepEqual(other.dims, dims);
    assert.deepEqual(
      new Uint32Array(other.data.buffer),
      new Uint32Array(data.slice().buffer),
      name,
    );
  }
}

for (const family of FAMILIES) {
  Deno.test(`export of a ${family} gives a folder that loads as the very same model`, async () => {
    await using scratch = await ScratchFolder.make();
    await writeSmallTokenizer(join(scratch.path, "tokenizer"), TEXTS);
    const model = goldenFolder(`${family}/model`);
    await exportInto(scratch.path, [
      ...["--model", model, "--tokenizer", "tokenizer", "--out", "out"],
      ...["--max-shard-size", "100KB"],
    ]);
    assertBitEqual(await loadModel(join(scratch.path, "out")), await loadModel(model));
  });
}

/** How each folder of the test below is exported: type of its weights, largest file. */
const WAYS = [["float32", "5GB"], ["float32", "100KB"], ["bfloat16", "100KB"], ["float16", "5GB"]];

Deno.test({
  name:
    `transformers computes an exported model's logits within 1e-4 at every token, in all families and types ${NEEDS_PEERS}`,
  ignore: !peersPresent,
  async fn() {
    await using scratch = await ScratchFolder.make();
    await writeSmallTokenizer(join(scratch.path, "tokenizer"), TEXTS);
    // Each family in one way at least, and each way in one.
    const exported = FAMILIES.map((family, i) => [family, ...WAYS[i % WAYS.length]]);
    for (const [family, dtype, size] of exported) {
      await exportInto(scratch.path, [
        ...["--model", goldenFolder(`${family}/model`), "--tokenizer", "tokenizer"],
        ...["--out", family, "--dtype", dtype, "--max-shard-size", size],
      ]);
    }
    const folders = exported.map(([family]) => join(scratch.path, family));
    const answers = await askPeers(
      folders.map((model) => ({ model, prompts, texts: TEXTS, chat: TEXTS[0] })),
    );
    for (const [i, answer] of answers.entries()) {
      assert.equal(answer.dtype, `torch.${exported[i][1]}`);
      await assertSameLogits(await loadModel(folders[i]), { prompts, logits: answer.logits });
      const tokenizer = await loadTokenizer(folders[i]);
      assert.deepEqual(answer.ids, TEXTS.map((text) => [...tokenizer.encode(text)]));
      assert.equal(answer.chat, `<|turn|>${TEXTS[0]}<|end|><|turn|>`);
      assert.deepEqual(answer.special, ["<|turn|>", "<|end|>", "<|pad|>"]);
    }
  },
});

Deno.test({
  name:
    `peft computes an exported adapter's logits within 1e-4 at every token, transformers the merged model's ${NEEDS_PEERS}`,
  ignore: !peersPresent,
  async fn() {
    await using scratch = await ScratchFolder.make();
    await writeSmallTokenizer(join(scratch.path, "tokenizer"), TEXTS);
    const [model, adapter] = [goldenFolder("llama/model"), goldenFolder("llama/lora_final")];
    const given = ["--model", model, "--tokenizer", "tokenizer"];
    const inScratch = (name: string) => join(scratch.path, name);
    await exportInto(scratch.path, [...given, "--out", "base"]);
    await exportInto(scratch.path, [
      ...[...given, "--adapter", adapter, "--base-model", "owner/base", "--out", "adapter"],
    ]);
    await exportInto(scratch.path, [...given, "--adapter", adapter, "--merge", "--out", "merged"]);
    const base = await loadModel(model);
    const ours = mergeAdapter(base, await loadAdapter(adapter, base.config));
    assertBitEqual(await loadModel(inScratch("merged")), ours);
    const [inPeft, merged] = await askPeers([
      { model: inScratch("base"), adapter: inScratch("adapter"), prompts, texts: [] },
      { model: inScratch("merged"), prompts, texts: [] },
    ]);
    assert.equal(inPeft.base, "owner/base");
    await assertSameLogits(ours, { prompts, logits: inPeft.logits });
    await assertSameLogits(ours, { prompts, logits: merged.logits });
    await assert.rejects(assertSameLogits(base, { prompts, logits: inPeft.logits }), /off by/);
  },
});

Deno.test("an exported tokenizer_config.json holds the chat template, too", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallTokenizer(join(scratch.path, "tokenizer"), TEXTS);
  const model = goldenFolder("llama/model");
  await exportInto(scratch.path, ["--model", model, "--tokenizer", "tokenizer", "--out", "out"]);
  const read = (name: string) => Deno.readTextFile(join(scratch.path, "out", name));
  assert.equal(JSON.parse(await read("tokenizer_config.json")).chat_template, TEMPLATE);
  assert.equal(await read("chat_template.jinja"), TEMPLATE);
});
