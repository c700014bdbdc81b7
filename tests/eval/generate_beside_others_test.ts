import assert from "node:assert/strict";
import { generate, type GenerationRequest } from "../../eval/generate.ts";
import { openDecoder } from "../../train/models/decoder.ts";
import { FAMILIES } from "../../train/models/families.ts";
import { goldenModel, goldenPairs } from "../train/golden.ts";

const prompts = goldenPairs().map(({ prompt }, i) => ({
  id: String(i),
  tokens: prompt.subarray(0, 1 + 5 * i),
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
      decoding: { temperature: 1, topP: 0.9, seed: 3, stream: "s" },
    };
    for (const request of [base, sampled]) {
      const alone = await generate(decoder, { ...request, batchSize: 1 });
      for (const batchSize of [3, 17, 512]) {
        assert.deepEqual(await generate(decoder, { ...request, batchSize }), alone);
      }
    }
    await decoder.release();
  });
}
