import assert from "node:assert/strict";
import { join } from "node:path";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { openDecoder } from "../../train/models/decoder.ts";
import { loadModel } from "../../train/models/model.ts";
import { NEEDS, present, SHARED, SMOLLM2 } from "./smollm2.ts";

interface Greedy {
  readonly prompt: string;
  readonly tokens: readonly number[];
  readonly text: string;
}

Deno.test({
  name: `a GGUF file decodes greedily to the text that transformers generates ${NEEDS}`,
  ignore: !present,
  async fn() {
    const golden = await Deno.readTextFile(join(SHARED, "models/smollm2_golden/logps.json"));
    const { prompt, tokens, text }: Greedy = JSON.parse(golden).greedy;
    const tokenizer = await loadTokenizer(SMOLLM2);
    const messages = [{ role: "user", content: prompt }] as const;
    const rendered = tokenizer.chatTemplate!.render(messages, { addGenerationPrompt: true });
    const decoder = await openDecoder(await loadModel(SMOLLM2), { threads: 2 });
    let logits = await decoder.prefill([tokenizer.encode(rendered)]);
    const found: number[] = [];
    while (found.length < tokens.length) {
      found.push(logits.reduce((best, logit, id) => logit > logits[best] ? id : best, 0));
      logits = await decoder.step(Int32Array.of(found.at(-1)!));
    }
    await decoder.release();
    assert.deepEqual(found, tokens);
    assert.equal(tokenizer.decode(found), text);
  },
});
