import assert from "node:assert/strict";
import type { TokenIds } from "../../../data/pair.ts";
import { openScorer } from "../../../train/logps.ts";
import { type ModelConfig, parseModelConfig } from "../../../train/models/config.ts";
import { openDecoder } from "../../../train/models/decoder.ts";
import type { TokenDecoder } from "../../../train/models/token_decoder.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import { initializeModel, type Model } from "../../../train/models/model.ts";
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
  prompt: TokenIds,
  replies: readonly Int32Array[],
): Promise<number[]> {
  const sums = replies.map(() => 0);
  let logits = await decoder.add(replies.map(() => prompt));
  for (let t = 0; t < replies[0].length; t++) {
    const tokens = Int32Array.from(replies, (reply) => reply[t]);
    tokens.forEach((token, row) => sums[row] += logp(logits, row, token, decoder.vocabSize));
    logits = await decoder.step(tokens);
  }
  return sums;
}

/** Requires a decoder to give replies the log-probs that a scorer gives. */
async function assertScoredAlike(model: Model): Promise<void> {
  const scorer = await openScorer(model, { threads: 1 });
  const within = (tokens: TokenIds) =>
    Int32Array.from(tokens.subarray(0, 40), (token) => token % model.config.vocabSize);
  const { prompt, chosen, rejected } = goldenPairs()[0];
  const replies = [chosen, rejected!].map(within);
  const scored = await scorer.logps(
    replies.map((reply) => ({ prompt: within(prompt), reply })),
  );
  await scorer.release();
  const decoder = await openDecoder(model, { threads: 1 });
  const stepwise = await stepwiseLogps(decoder, within(prompt), replies);
  stepwise.forEach((sum, row) =>
    assert(Math.abs(sum - scored[row]) < 1e-3, `${sum} ${scored[row]}`)
  );
  await decoder.release();
}

for (const family of FAMILIES) {
  Deno.test(`openDecoder() decodes greedily what transformers generates from ${family}`, async () => {
    const { prompt, tokens } = golden<{ prompt: number[]; tokens: number[] }>(
      `${family}/greedy.json`,
    );
    const decoder = await openDecoder(await goldenModel(family), { threads: 1 });
    const found: number[] = [];
    let logits = await decoder.add([Int32Array.from(prompt)]);
    while (found.length < tokens.length) {
      found.push(argmax(logits));
      logits = await decoder.step(Int32Array.of(found.at(-1)!));
    }
    assert.deepEqual(found, tokens);
    await decoder.release();
  });

  Deno.test(`add() and step() give the log-probs that a scorer of ${family} gives, for each row`, async () => {
    await assertScoredAlike(await goldenModel(family));
  });
}

/** A model of random weights. */
function randomModel(shape: Partial<Record<string, number>>): Model {
  const config: ModelConfig = parseModelConfig({
    model_type: "qwen2",
    vocab_size: 300,
    intermediate_size: 72,
    num_hidden_layers: 2,
    tie_word_embeddings: true,
    initializer_range: 0.1,
    ...shape,
  }, "config.json");
  return initializeModel(config, 1);
}

Deno.test("a decoder takes heads of any even width", async () => {
  for (const headDim of [2, 10, 24]) {
    const model = randomModel({
      hidden_size: 32,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: headDim,
    });
    for (const [name, { data }] of model.weights) {
      // Biases begin as zeros, which would hide where they go.
      if (name.endsWith("bias")) data.forEach((_, i) => data[i] = Math.sin(i));
    }
    await assertScoredAlike(model);
  }
});

const PROMPTS = goldenPairs().map(({ prompt }, i) => prompt.subarray(0, 3 + 4 * i));
const NEXT = [7, 8, 9, 10, 11];

/** What a decoder says of a prompt and of each of `NEXT` after it, alone. */
async function alone(decoder: TokenDecoder, prompt: TokenIds): Promise<Float32Array[]> {
  decoder.clear();
  const said = [(await decoder.add([prompt])).slice()];
  for (const token of NEXT) said.push((await decoder.step(Int32Array.of(token))).slice());
  return said;
}

/** One row of logits (…, V). */
function rowOf(logits: Float32Array, row: number, { vocabSize }: TokenDecoder): Float32Array {
  return logits.slice(row * vocabSize, (row + 1) * vocabSize);
}

Deno.test("a row's logits are the same to the last bit whatever is decoded beside it", async () => {
  // As wide as SmolLM2-135M, whose products are cut up otherwise than narrow ones'.
  const wide = randomModel({
    hidden_size: 576,
    intermediate_size: 1536,
    num_attention_heads: 9,
    num_key_value_heads: 3,
  });
  for (const [model, threads] of [[wide, 1], [wide, 2], [await goldenModel(), 1]] as const) {
    const decoder = await openDecoder(model, { threads });
    const prompts = PROMPTS.map((prompt) => prompt.map((token) => token % decoder.vocabSize));
    const [first, second] = [await alone(decoder, prompts[0]), await alone(decoder, prompts[1])];
    for (const beside of [1, 7, 16, 40]) {
      decoder.clear();
      const others = Array.from({ length: beside }, () => Int32Array.from(prompts[0]));
      const read = await decoder.add([...others, prompts[0]]);
      assert.deepEqual(rowOf(read, beside, decoder), first[0], `${beside} read beside it`);
      const row = [beside];
      for (const [t, token] of NEXT.entries()) {
        if (t === 2) {
          // Another begins, and one ends: the last takes its number.
          assert.deepEqual(await decoder.add([prompts[1]]), second[0]);
          decoder.drop(0);
          row.push(0);
        }
        const rows = beside + 1;
        const tokens = Int32Array.from({ length: rows }, (_, i) => (i + t) % 5);
        row.forEach((at, begun) => tokens[at] = begun === 0 ? token : NEXT[t - 2]);
        const said = await decoder.step(tokens);
        assert.deepEqual(rowOf(said, row[0], decoder), first[t + 1], `${beside} beside it, ${t}`);
        if (t >= 2) assert.deepEqual(rowOf(said, row[1], decoder), second[t - 1], `begun later`);
      }
    }
    await decoder.release();
  }
});

Deno.test("add() reads an array once that is given several times", async () => {
  const decoder = await openDecoder(await goldenModel(), { threads: 1 });
  const [a, b] = [PROMPTS[3], PROMPTS[3].map((token) => token + 1)];
  const expected = [await alone(decoder, a), await alone(decoder, b)];
  decoder.clear();
  const given = [0, 0, 1, 0, 1];
  let said = await decoder.add(given.map((which) => [a, b][which]));
  for (let t = 0; t < NEXT.length; t++) {
    given.forEach((which, row) => assert.deepEqual(rowOf(said, row, decoder), expected[which][t]));
    said = await decoder.step(new Int32Array(given.length).fill(NEXT[t]));
  }
  await decoder.release();
});

Deno.test("reserve() changes nothing of what rows hold, nor does room that runs out", async () => {
  const decoder = await openDecoder(await goldenModel(), { threads: 1 });
  const expected = await alone(decoder, PROMPTS[1]);
  decoder.clear();
  decoder.reserve({ rows: 4, positions: PROMPTS[1].length });
  await decoder.add([PROMPTS[0]]);
  await decoder.add([PROMPTS[1]]);
  for (const [t, token] of NEXT.entries()) {
    if (t === 2) decoder.reserve({ rows: 2, positions: 2 * PROMPTS[1].length });
    if (t === 3) decoder.reserve({ rows: 9, positions: 500 });
    const said = await decoder.step(Int32Array.of(3, token));
    assert.deepEqual(rowOf(said, 1, decoder), expected[t + 1]);
  }
  await decoder.release();
});

Deno.test("clear() forgets what was read before", async () => {
  const decoder = await openDecoder(await goldenModel(), { threads: 1 });
  const first = await alone(decoder, PROMPTS[2]);
  assert.deepEqual(await alone(decoder, PROMPTS[2]), first);
  await decoder.release();
});

Deno.test("a decoder refuses what does not fit", async () => {
  const decoder = await openDecoder(await goldenModel(), { threads: 1 });
  const messages: [() => unknown, string][] = [
    [() => decoder.add([]), "Expected at least one prompt but found none."],
    [
      () => decoder.add([new Int32Array()]),
      "Expected prompts to have tokens but found an empty one.",
    ],
    [
      () => decoder.add([Int32Array.of(1), Int32Array.of(1, 2)]),
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
  await decoder.add([Int32Array.of(1), Int32Array.of(2)]);
  assert.throws(() => decoder.drop(2), new RangeError("Expected a row in 0 … 1 but found 2."));
  await decoder.release();
});

Deno.test("a decoder reads no further than the model's sliding window", async () => {
  const model = await goldenModel("mistral");
  const narrow = { ...model, config: { ...model.config, slidingWindow: 3 } };
  const decoder = await openDecoder(narrow, { threads: 1 });
  await assert.rejects(decoder.add([Int32Array.of(1, 2, 3, 4)]), { name: "InputError" });
  await decoder.add([Int32Array.of(1, 2)]);
  await decoder.step(Int32Array.of(3));
  await assert.rejects(decoder.step(Int32Array.of(4)), { name: "InputError" });
  await decoder.release();
});
