import assert from "node:assert/strict";
import { openDecoder } from "../train/models/decoder.ts";
import type { Model } from "../train/models/model.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";

/** What others compute. */
interface Expected {
  readonly prompts: readonly (readonly number[])[];
  /** Of each prompt (T, V), row-major. */
  readonly logits: readonly Float32Array[];
}

/**
 * Requires what a model of ours gives after each token of each prompt to equal others' logits within
 * 1e-4, whatever their size: read token by token, and after the last, also read at once.
 *
 * @param ofLargest instead: within this part of a prompt's largest logit
 */
export async function assertSameLogits(
  model: Model,
  { prompts, logits }: Expected,
  { ofLargest }: { readonly ofLargest?: number } = {},
): Promise<void> {
  assert.equal(logits.length, prompts.length);
  const decoder = await openDecoder(model, { threads: 2 });
  try {
    for (const [i, prompt] of prompts.entries()) {
      const others = logits[i];
      const { vocabSize } = decoder;
      assert.equal(others.length, prompt.length * vocabSize);
      const after = (position: number) => {
        const at = position * vocabSize;
        return others.subarray(at, at + vocabSize);
      };
      let worst = 0;
      decoder.clear();
      for (let t = 0; t < prompt.length; t++) {
        worst = Math.max(worst, distance(await read(decoder, prompt[t], t), after(t)));
      }
      decoder.clear();
      const whole = await decoder.add([Int32Array.from(prompt)]);
      worst = Math.max(worst, distance(whole, after(prompt.length - 1)));
      const largest = others.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
      const tolerance = ofLargest === undefined ? 1e-4 : ofLargest * largest;
      assert(worst <= tolerance, `prompt ${i}: off by ${worst}; the largest logit is ${largest}`);
      assert(largest > 0.01, "logits of zeros would show nothing");
    }
  } finally {
    await decoder.release();
  }
}

async function read(decoder: TokenDecoder, token: number, at: number): Promise<Float32Array> {
  const tokens = Int32Array.of(token);
  return at === 0 ? await decoder.add([tokens]) : await decoder.step(tokens);
}

function distance(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}
