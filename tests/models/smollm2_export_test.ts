import assert from "node:assert/strict";
import { join } from "node:path";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { loadAdapter, mergeAdapter, saveAdapter } from "../../train/models/adapter.ts";
import { loadModel } from "../../train/models/model.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { ballast } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { askPeers, NEEDS_PEERS, peersPresent } from "../peers.ts";
import { assertSameLogits } from "../same_logits.ts";
import { SHARED } from "../shared.ts";
import { NEEDS, present, SMOLLM2 } from "./smollm2.ts";

const WITHIN = { ofLargest: 1e-5 };

Deno.test({
  // float32: sums in another order are off by more than 1e-4 where logits are as large as 40.
  name: "SmolLM2 and an adapter to it load in transformers and peft with our logits, within a " +
    `hundred-thousandth of the largest ${NEEDS} ${NEEDS_PEERS}`,
  ignore: !present || !peersPresent,
  async fn() {
    await using scratch = await ScratchFolder.make();
    const inScratch = (name: string) => join(scratch.path, name);
    const model = await loadModel(SMOLLM2);
    const adapter = newAdapter({ rank: 4 }, { model: model.config, seed: 1 });
    // A new adapter adds nothing; this one shows in every logit.
    for (const [name, { data }] of adapter.weights) {
      if (name.includes("lora_B")) data.forEach((_, i) => data[i] = 0.01 * Math.sin(i));
    }
    await saveAdapter(adapter, inScratch("trained"));
    for (
      const args of [
        ["--out", "model", "--max-shard-size", "200MB"],
        ["--out", "adapter", "--adapter", "trained", "--base-model", "owner/smol"],
      ]
    ) {
      const { code, stderr } = await ballast(["export", "--model", SMOLLM2, ...args], {
        folder: scratch.path,
      });
      assert.equal(code, 0, stderr);
    }
    const card = await Deno.readTextFile(inScratch("model/README.md"));
    assert.match(card, /^license: "apache-2\.0"$/m, "as the file's metadata states it");

    const pairs = await Deno.readTextFile(join(SHARED, "models/smollm2_golden/pairs.jsonl"));
    const texts = pairs.trimEnd().split("\n").slice(0, 3).map((line) => {
      const { prompt } = JSON.parse(line) as { prompt: string };
      return prompt;
    });
    const tokenizer = await loadTokenizer(SMOLLM2);
    const ids = texts.map((text) => [...tokenizer.encode(text)]);
    const prompts = ids.map((tokens) => tokens.slice(0, 40));
    const [whole, adapted] = await askPeers([
      { model: inScratch("model"), prompts, texts, chat: texts[0] },
      { model: inScratch("model"), adapter: inScratch("adapter"), prompts, texts: [] },
    ]);
    assert.deepEqual(whole.ids, ids);
    const messages = [{ role: "user", content: texts[0] }] as const;
    assert.equal(
      whole.chat,
      tokenizer.chatTemplate!.render(messages, { addGenerationPrompt: true }),
    );
    await assertSameLogits(
      await loadModel(inScratch("model")),
      { prompts, logits: whole.logits },
      WITHIN,
    );
    await assertSameLogits(model, { prompts, logits: whole.logits }, WITHIN);
    const exported = await loadAdapter(inScratch("adapter"), model.config);
    await assertSameLogits(
      mergeAdapter(model, exported),
      { prompts, logits: adapted.logits },
      WITHIN,
    );
  },
});
