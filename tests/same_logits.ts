import assert from "node:assert/strict";
import { openDecoder } from "../train/models/decoder.ts";
import type { Model } from "../train/models/model.ts";

/** Requires what a model of ours gives after each prompt to equal others' logits within 1e-4. */
export async function assertSameLogits(
  model: Model,
  prompts: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
): Promise<void> {
  assert.equal(expected.length, prompts.length);
  const decoder = await openDecoder(model, { threads: 2 });
  try {
    for (const [i, prompt] of prompts.entries()) {
      const found = await decoder.prefill([Int32Array.from(prompt)]);
      assert.equal(found.length, expected[i].length);
      const largest = Math.max(...expected[i].map(Math.abs));
      const error = found.reduce(
        (most, logit, v) => Math.max(most, Math.abs(logit - expected[i][v])),
        0,
      );
      assert(error <= 1e-4 * Math.max(1, largest), `prompt ${i}: off by ${error} of ${largest}`);
      assert(largest > 0.01, "logits of zeros would show nothing");
    }
  } finally {
    await decoder.release();
  }
}
