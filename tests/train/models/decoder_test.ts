import assert from "node:assert/strict";
import { openScorer } from "../../../train/logps.ts";
import { openDecoder } from "../../../train/models/decoder.ts";
import type { TokenDecoder } from "../../../train/models/token_decoder.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import { golden, goldenModel, goldenPairs } from "../golden.ts";

function argmax(logits: Float32Array): number {
  return logits.reduce((best, logit, token) => logit > logits[best] ? token : best, 0);
}

/** log softmax of one row of logits (B, V) at a token. */
function logp(logits: Float32Array, row: number, token: number, vocabSize: number): number {
  const values = [...logits.subarray(row * vocabSize, (row + 1) * vocabSize)];
  const highest = Math.max(...values);
  const sum = values.reduce((total, value) => total + Math.exp(value - highest), 0);
  return values[token] - highest - Math.log(sum);
}

/** Log-prob of each reply, all of one prompt, read token by token. */
async function stepwiseLogps(
  decoder: TokenDecoder,
  prompt: Int32Array,
  replies: readonly Int32Array[],
): Promise<number[]> {
  const sums = replies.map(() => 0);
  let logits = await decoder.prefill(replies.map(() => prompt));
  for (let t = 0; t < replies[0].length; t++) {
    const tokens = Int32Array.from(replies, (reply) => reply[t]);
    tokens.forEach((token, row) => sums[row] += logp(logits, row, token, decoder.vocabSize));
    logits = await decoder.step(tokens);
  }
  return sums;
}

for (const family of FAMILIES) {
  Deno.test(`openDecoder() decodes greedily what transformers generates from ${family}`, async () => {
    const { prompt, tokens } = golden<{ prompt: number[]; tokens: number[] }>(
      `${family}/greedy.json`,
    );
    const decoder = await openDecoder(await goldenModel(family), { threads: 1 });
    const found: number[] = [];
    let logits = await decoder.prefill([Int32Array.from(prompt)]);
    while (found.length < tokens.length) {
      found.push(argmax(logits));
      logits = await decoder.step(Int32Array.of(found.at(-1)!));
    }
    assert.deepEqual(found, tokens);
    await decoder.release();
  });

  Deno.test(`step() and prefill() give the log-probs that a scorer of ${family} gives, for each row`, async () => {
    const model = await goldenModel(family);
    const scorer = await openScorer(model, { threads: 1 });
    const { prompt, chosen, rejected } = goldenPairs()[0];
    const replies = [chosen.subarray(0, 40), rejected!.subarray(0, 40)];
    const scored = await scorer.logps(replies.map((reply) => ({ prompt, reply })));
    await scorer.release();
    for (const fewRows of [false, true]) {
      const decoder = await openDecoder(model, { threads: 1, fewRows });
      const stepwise = await stepwiseLogps(decoder, prompt, replies);
      stepwise.forEach((sum, row) =>
        assert(Math.abs(sum - scored[row]) < 1e-3, `fewRows ${fewRows}: ${sum} ${scored[row]}`)
      );
      await decoder.release();
    }
  });
}

Deno.test("keep() drops rows and leaves the others as they were, in the order asked for", async () => {
  const decoder = await openDecoder(await goldenModel(), { threads: 1 });
  const prompts = goldenPairs().slice(3, 6).map(({ prompt }) => prompt.subarray(0, 10));
  const next = Int32Array.of(7, 8, 9);
  await decoder.prefill(prompts);
  const all = await decoder.step(next);
  const row = (i: number) => all.slice(i * decoder.vocabSize, (i + 1) * decoder.vocabSize);
  const expected = [row(2), row(0)];
  await decoder.prefill(prompts);
  decoder.keep([2, 0]);
  const kept = await decoder.step(Int32Array.of(9, 7));
  expected.forEach((logits, i) =>
    logits.forEach((logit, v) =>
      assert(Math.abs(kept[i * decoder.vocabSize + v] - logit) < 1e-4, `row ${i}, token ${v}`)
    )
  );
  await decoder.release();
});

Deno.test("keep() repeats a row, so that one prompt can be continued in several ways", async () => {
  const decoder = await openDecoder(await goldenModel(), { threads: 1 });
  const { prompt } = goldenPairs()[0];
  await decoder.prefill([prompt]);
  const alone = (await decoder.step(Int32Array.of(5))).slice();
  await decoder.prefill([prompt]);
  decoder.keep(Array(40).fill(0));
  const many = await decoder.step(new Int32Array(40).fill(5));
  assert.equal(many.length, 40 * decoder.vocabSize);
  alone.forEach((logit, v) =>
    assert(Math.abs(many[39 * decoder.vocabSize + v] - logit) < 1e-4, `token ${v}`)
  );
  await decoder.release();
});

Deno.test("prefill() forgets what was read before", async () => {
  const decoder = await openDecoder(await goldenModel(), { threads: 1 });
  const { prompt } = goldenPairs()[0];
  const first = (await decoder.prefill([prompt])).slice();
  await decoder.step(Int32Array.of(5));
  assert.deepEqual(await decoder.prefill([prompt]), first);
  await decoder.release();
});

Deno.test("a decoder refuses batches that do not fit", async () => {
  const decoder = await openDecoder(await goldenModel(), { threads: 1 });
  const messages: [() => unknown, string][] = [
    [() => decoder.prefill([]), "Expected at least one prompt but found none."],
    [
      () => decoder.prefill([new Int32Array()]),
      "Expected prompts to have tokens but found an empty one.",
    ],
    [
      () => decoder.prefill([Int32Array.of(1), Int32Array.of(1, 2)]),
      "Expected prompts of equal length but found 1 and 2 tokens.",
    ],
    [
      () => decoder.step(Int32Array.of(1)),
      "Expected a token for each of 0 rows but found 1.",
    ],
  ];
  for (const [call, message] of messages) {
    await assert.rejects(async () => await call(), new RangeError(message));
  }
  await decoder.prefill([Int32Array.of(1), Int32Array.of(2)]);
  assert.throws(() => decoder.keep([2]), new RangeError("Expected rows in 0 … 1 but found 2."));
  await decoder.release();
});

Deno.test("a decoder reads no further than the model's sliding window", async () => {
  const model = await goldenModel("mistral");
  const narrow = { ...model, config: { ...model.config, slidingWindow: 3 } };
  const decoder = await openDecoder(narrow, { threads: 1 });
  await assert.rejects(decoder.prefill([Int32Array.of(1, 2, 3, 4)]), { name: "InputError" });
  await decoder.prefill([Int32Array.of(1, 2)]);
  await decoder.step(Int32Array.of(3));
  await assert.rejects(decoder.step(Int32Array.of(4)), { name: "InputError" });
  await decoder.release();
});
