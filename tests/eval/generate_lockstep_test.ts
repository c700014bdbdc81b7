import assert from "node:assert/strict";
import { generate, type GenerationRequest } from "../../eval/generate.ts";
import { openDecoder } from "../../train/models/decoder.ts";
import { FAMILIES } from "../../train/models/families.ts";
import { goldenModel, goldenPairs } from "../train/golden.ts";

const prompts = goldenPairs().map(({ prompt }, i) => ({
  id: String(i),
  tokens: prompt.subarray(0, 3 + 5 * i),
}));
const base: GenerationRequest = {
  prompts,
  samples: 1,
  decoding: "greedy",
  stopTokens: [2],
  maxNewTokens: 24,
};

for (const family of FAMILIES) {
  Deno.test(`generate() gives prompts of unequal length the replies that ${family} gives each alone`, async () => {
    assert(new Set(prompts.map(({ tokens }) => tokens.length)).size > 2);
    const decoder = await openDecoder(await goldenModel(family), { threads: 1 });
    const sampled = {
      ...base,
      samples: 2,
      decoding: { temperature: 1, topP: 1, seed: 3, stream: "s" },
    };
    for (const request of [base, sampled]) {
      const together = await generate(decoder, request);
      assert.deepEqual(together, await generate(decoder, { ...request, batchSize: 1 }));
    }
    await decoder.release();
  });
}

Deno.test("reading a prompt's end token by token beside a longer row gives its logits", async () => {
  const decoder = await openDecoder(await goldenModel(), { threads: 1 });
  const { vocabSize } = decoder;
  const [short, long] = goldenPairs().slice(0, 2).map(({ prompt }) => prompt.subarray(0, 12));
  const alone = (await decoder.prefill([long])).slice();
  await decoder.prefill([short, long].map((prompt) => prompt.subarray(0, 4)));
  let logits: Float32Array = new Float32Array();
  for (let read = 4; read < long.length; read++) {
    logits = await decoder.step(Int32Array.of(short[read], long[read]));
  }
  const scale = alone.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
  alone.forEach((logit, v) => {
    const error = Math.abs(logits[vocabSize + v] - logit) / scale;
    assert(error <= 1e-5, `token ${v}: ${error}`);
  });
  await decoder.release();
});
