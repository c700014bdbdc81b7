import assert from "node:assert/strict";
import type { TokenIds } from "../../../data/pair.ts";
import { openScorer } from "../../../train/logps.ts";
import { openDecoder } from "../../../train/models/decoder.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import { openSequenceReader, type SequenceReader } from "../../../train/models/sequence_reader.ts";
import { goldenModel, goldenPairs } from "../golden.ts";

/** Every row of logits (V), in order. */
async function everyRow(
  reader: SequenceReader,
  tokens: TokenIds,
  vocabSize: number,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  await reader.read(tokens, (logits, first) => {
    assert.equal(first, rows.length);
    for (let at = 0; at < logits.length; at += vocabSize) {
      rows.push(logits.slice(at, at + vocabSize));
    }
  });
  return rows;
}

function logp(logits: Float32Array, token: number): number {
  const highest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - highest), 0);
  return logits[token] - highest - Math.log(sum);
}

for (const family of FAMILIES) {
  Deno.test(`a reader of ${family} gives log-probs whose sums are the scorer's`, async () => {
    const model = await goldenModel(family);
    const reader = await openSequenceReader(model, { threads: 1 });
    const scorer = await openScorer(model, { threads: 1 });
    const pairs = goldenPairs().slice(0, 4);
    const sequences = pairs.map(({ prompt, chosen }) => ({ prompt, reply: chosen }));
    const expected = await scorer.logps(sequences);
    for (const [i, { prompt, reply }] of sequences.entries()) {
      const tokens = Int32Array.from([...prompt, ...reply]);
      const rows = await everyRow(reader, tokens, model.config.vocabSize);
      assert.equal(rows.length, tokens.length);
      const sum = [...reply].reduce(
        (total, token, t) => total + logp(rows[prompt.length + t - 1], token),
        0,
      );
      assert(Math.abs(sum - expected[i]) < 1e-4, `${sum} ${expected[i]}`);
    }
    await reader.release();
    await scorer.release();
  });
}

Deno.test("a reader's last row is what a decoder says of the same prompt", async () => {
  const model = await goldenModel();
  const { vocabSize } = model.config;
  const reader = await openSequenceReader(model, { threads: 1 });
  const decoder = await openDecoder(model, { threads: 1 });
  const { prompt } = goldenPairs()[0];
  const expected = await decoder.add([prompt]);
  const last = (await everyRow(reader, prompt, vocabSize)).at(-1)!;
  last.forEach((logit, v) => assert(Math.abs(logit - expected[v]) < 1e-4, `token ${v}`));
  await reader.release();
  await decoder.release();
});

Deno.test("a reader gives the same logits a few rows at a time", async () => {
  const model = await goldenModel();
  const { vocabSize } = model.config;
  const { prompt } = goldenPairs()[0];
  const whole = await openSequenceReader(model, { threads: 1 });
  const parted = await openSequenceReader(model, { threads: 1, mostRows: 7 });
  assert(prompt.length > 14 && prompt.length % 7 !== 0, "several parts, the last one short");
  const [expected, found] = [
    await everyRow(whole, prompt, vocabSize),
    await everyRow(parted, prompt, vocabSize),
  ];
  assert.equal(found.length, prompt.length);
  found.forEach((row, t) =>
    row.forEach((logit, v) => assert(Math.abs(logit - expected[t][v]) < 1e-5, `, `))
  );
  await whole.release();
  await parted.release();
});

Deno.test("a reader refuses an empty sequence, and one longer than the sliding window", async () => {
  const model = await goldenModel("mistral");
  const narrow = { ...model, config: { ...model.config, slidingWindow: 3 } };
  const reader = await openSequenceReader(narrow, { threads: 1 });
  const read = (...tokens: number[]) => reader.read(Int32Array.from(tokens), () => {});
  await assert.rejects(
    read(),
    new RangeError("Expected a sequence to have tokens but found none."),
  );
  await assert.rejects(read(1, 2, 3, 4), { name: "InputError" });
  await read(1, 2, 3);
  await reader.release();
});
