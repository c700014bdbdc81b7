import assert from "node:assert/strict";
import { join } from "node:path";
import { loadAdapter, mergeAdapter } from "../../train/models/adapter.ts";
import { loadModel } from "../../train/models/model.ts";
import { ballast, ballastJson } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { askPeers, NEEDS_PEERS, peersPresent } from "../peers.ts";
import { assertSameLogits } from "../same_logits.ts";
import { PAIRS, writeSmallModel } from "./small_model.ts";

/** Two adapters, the second trained over the model of the first; then all weights. */
const RECIPE = `
recipe: adapters
describe: adapters to a small model
stages:
  data: { uses: read-pairs, params: { path: data } }
  base: { uses: base-model, params: { path: folder } }
  tokens:
    uses: tokenize
    inputs: { pairs: data.train, tokenizer: base.tokenizer }
    params: { maxLength: 40, maxPromptLength: 20 }
  first:
    uses: train
    inputs: { model: base.model, tokens: tokens }
    params: &train
      loss: dpo
      beta: 0.1
      lora: { rank: 2, targets: [q_proj, down_proj] }
      learningRate: 1.0e-2
      schedule: constant
      epochs: 3
      batchPairs: 2
      seed: 0
      threads: 1
      snapshots: { steps: [0] }
  second: { uses: train, inputs: { model: first.model, tokens: tokens }, params: *train }
  whole:
    uses: train
    inputs: { model: base.model, tokens: tokens }
    params: { loss: dpo, beta: 0.1, learningRate: 1.0e-2, schedule: constant, steps: 1, batchPairs: 2,
      seed: 0, threads: 1 }
`;

/** A store in which the recipe has been run. */
async function prepare(root: string): Promise<readonly string[]> {
  await writeSmallModel(root);
  await Deno.mkdir(join(root, "data"));
  const rows = PAIRS.map((pair) => `${JSON.stringify(pair)}\n`).join("");
  for (const split of ["train_prefs", "test_prefs"]) {
    await Deno.writeTextFile(join(root, `data/${split}.jsonl`), rows);
  }
  await Deno.writeTextFile(join(root, "adapters.yaml"), RECIPE);
  const here = ["--recipe", "adapters.yaml", "--store", join(root, "store")];
  await ballastJson(["run", "second", "whole", ...here], { folder: root });
  return here;
}

Deno.test("export --adapter-only writes the adapter that a run trained, with its card", async (t) => {
  await using scratch = await ScratchFolder.make();
  const inScratch = (name: string) => join(scratch.path, name);
  const here = await prepare(scratch.path);
  const place = { folder: scratch.path };
  const only = (
    instance: string,
    out: string,
    ...more: string[]
  ) => ["export", instance, ...here, "--adapter-only", "--out", out, ...more];

  await t.step("over the base: merged into it, it is the run's model", async () => {
    const { files } = await ballastJson<{ files: string[] }>(
      only("first", "adapter", "--base-model", "owner/base"),
      place,
    );
    assert.deepEqual(files, [
      ...["DATA.md", "README.md", "adapter_config.json", "adapter_model.safetensors"],
      ...["chat_template.jinja", "tokenizer.json", "tokenizer_config.json"],
    ]);
    const config = JSON.parse(await Deno.readTextFile(inScratch("adapter/adapter_config.json")));
    assert.equal(config.base_model_name_or_path, "owner/base");
    const card = await Deno.readTextFile(inScratch("adapter/README.md"));
    assert.match(card, /^base_model: "owner\/base"\nbase_model_relation: "adapter"$/m);
    assert.match(card, /^\| Rank, alpha \| 2, 4 \|$/m);
    assert.match(card, /^\| Loss \| dpo \|$/m);
    await ballastJson(["export", "first", ...here, "--out", "model"], place);
    assert.ok(![...Deno.readDirSync(inScratch("model"))].some(({ name }) => name === "adapter"));
    const base = await loadModel(inScratch("folder"));
    const adapter = await loadAdapter(inScratch("adapter"), base.config);
    const model = await loadModel(inScratch("model"));
    assert.deepEqual(mergeAdapter(base, adapter).weights, model.weights);
    assert.notDeepEqual(model.weights, base.weights);
  });

  const refusals: readonly [args: string[], message: RegExp][] = [
    [only("first", "x"), /--base-model: Expected the name on the hub of the model that the/],
    [only("second", "x"), /--base-model: .* of the model of first, which the adapter was trained/],
    [only("whole", "x"), /--adapter-only: Expected an instance that trained an adapter .* whole/],
    [only("first", "x", "--merge"), /--adapter-only: Expected an instance, and neither/],
    [
      ["export", "--model", "folder", "--adapter-only", "--out", "x"],
      /--adapter-only: Expected an instance, and neither/,
    ],
  ];
  for (const [args, message] of refusals) {
    await t.step(`refuses ${args[1]} ${args.slice(args.indexOf("--out") + 2)}`, async () => {
      const { code, stderr } = await ballast(args, place);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    });
  }

  await t.step({
    name: `peft gives the run's logits and ids, of either adapter ${NEEDS_PEERS}`,
    ignore: !peersPresent,
    async fn() {
      for (const name of ["base", "first", "second"]) {
        await ballastJson(["export", name, ...here, "--out", `whole-${name}`], place);
      }
      const prompts = [[3, 40, 90, 7, 12], [250, 1, 1, 30]];
      const pairs = [["base", "first"], ["first", "second"]];
      for (const [base, adapter] of pairs) {
        await ballastJson(only(adapter, `to-${base}`, "--base-model", "owner/base"), place);
      }
      const texts = { texts: [PAIRS[0].chosen], chat: PAIRS[0].prompt };
      const whole = { model: inScratch("whole-first"), prompts: [], ...texts };
      const [{ ids, chat, special }, ...answers] = await askPeers([
        whole,
        ...pairs.map(([base]) => ({
          model: inScratch(`whole-${base}`),
          adapter: inScratch(`to-${base}`),
          tokenizer: inScratch(`to-${base}`),
          prompts,
          ...texts,
        })),
      ]);
      for (const [i, [base, adapter]] of pairs.entries()) {
        const { logits, ...read } = answers[i];
        assert.deepEqual([read.ids, read.chat, read.special], [ids, chat, special]);
        await assertSameLogits(await loadModel(inScratch(`whole-${adapter}`)), { prompts, logits });
        const plain = await loadModel(inScratch(`whole-${base}`));
        await assert.rejects(assertSameLogits(plain, { prompts, logits }), /off by/);
      }
    },
  });
});
