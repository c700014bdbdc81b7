import assert from "node:assert/strict";
import { groupByPrompt, openScorer } from "../../train/logps.ts";
import { FAMILIES } from "../../train/models/families.ts";
import { golden, goldenModel, goldenPairs, relativeError } from "./golden.ts";

interface GoldenRow {
  chosenLogp64: number;
  rejectedLogp64: number;
  chosenTokens: number;
  rejectedTokens: number;
}

for (const family of FAMILIES) {
  Deno.test(`scorePairs() equals PyTorch's log-probs of a ${family} model to 1e-5`, async () => {
    const scorer = await openScorer(await goldenModel(family), { threads: 1 });
    const scores = await scorer.scorePairs(goldenPairs());
    const { rows } = golden<{ rows: GoldenRow[] }>(`${family}/logps.json`);
    assert.equal(scores.length, rows.length);
    rows.forEach((row, i) => {
      const score = scores[i];
      assert.equal(score.id, `golden:${i}`);
      assert.equal(score.chosenTokens, row.chosenTokens);
      assert.equal(score.rejectedTokens, row.rejectedTokens);
      for (
        const [found, expected] of [
          [score.chosenLogp, row.chosenLogp64],
          [score.rejectedLogp!, row.rejectedLogp64],
        ]
      ) {
        assert(relativeError(found, expected) <= 1e-5, `pair ${i}: ${found} ≠ ${expected}`);
      }
    });
    await scorer.release();
  });
}

Deno.test("logps() keeps the order given, whatever the lengths, and an empty reply scores 0", async () => {
  const scorer = await openScorer(await goldenModel(), { threads: 1 });
  const sequences = goldenPairs().map(({ prompt, chosen }) => ({ prompt, reply: chosen }));
  const forward = await scorer.logps(sequences);
  const backward = await scorer.logps([...sequences].reverse());
  // Rows of equal length swap places in a batch, which may change last bits.
  backward.reverse().forEach((logp, i) => assert(relativeError(logp, forward[i]) < 1e-6));
  const empty = { prompt: sequences[0].prompt, reply: new Int32Array() };
  assert.deepEqual([...(await scorer.logps([empty]))], [0]);
  await scorer.release();
});

Deno.test("logps() gives equal bits on any number of threads, and stops all of them at an abort", async () => {
  const model = await goldenModel();
  const pairs = goldenPairs();
  // As many tokens as several runs hold, under prompts that nobody shares.
  const sequences = Array.from({ length: 400 }, (_, i) => {
    const { prompt, chosen } = pairs[i % pairs.length];
    return { prompt: Int32Array.from([...prompt, i % 20, Math.floor(i / 20)]), reply: chosen };
  });
  const results: Float64Array[] = [];
  for (const threads of [1, 2, 3]) {
    const scorer = await openScorer(model, { threads });
    let runs = 0;
    results.push(await scorer.logps(sequences, { onProgress: () => runs++ }));
    assert(runs > 3, `${runs} runs`);
    const stop = new AbortController();
    let afterwards = 0;
    const onProgress = () => (stop.abort(new Error("enough")), afterwards++);
    await assert.rejects(scorer.logps(sequences, { signal: stop.signal, onProgress }), /enough/);
    assert(afterwards <= threads, `${afterwards} runs ended`);
    await scorer.release();
  }
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
});

Deno.test("logps() is additive: a reply scores as its first part plus the rest after it", async () => {
  const scorer = await openScorer(await goldenModel(), { threads: 1 });
  const { prompt, chosen } = goldenPairs()[2];
  const cut = 20;
  const longer = Int32Array.from([...prompt, ...chosen.subarray(0, cut)]);
  const [whole, first, rest] = await scorer.logps([
    { prompt, reply: chosen },
    { prompt, reply: chosen.subarray(0, cut) },
    { prompt: longer, reply: chosen.subarray(cut) },
  ]);
  assert(relativeError(first + rest, whole) < 1e-6, `${first} + ${rest} ≠ ${whole}`);
  await scorer.release();
});

Deno.test("groupByPrompt() gathers no more replies of a prompt than one run may hold", () => {
  const prompt = Int32Array.of(1, 2);
  const other = { prompt: Int32Array.of(3), reply: Int32Array.of(4) };
  const sequences = [
    ...Array.from({ length: 7 }, () => ({ prompt, reply: new Int32Array(3) })),
    other,
    { prompt, reply: new Int32Array(0) },
    { prompt, reply: new Int32Array(50) },
  ];
  const rows = (tokens: number, replyTokens: number) =>
    groupByPrompt(sequences, { tokens, logitsPerToken: 2 ** 26 / replyTokens, hiddenSize: 64 })
      .map(({ rows }) => rows);
  assert.deepEqual(rows(1000, 1024), [[0, 1, 2, 3, 4, 5, 6, 9], [7]]);
  // The prompt and three replies are 11 tokens; logits are made by the replies' alone.
  assert.deepEqual(rows(11, 1024), [[0, 1, 2], [3, 4, 5], [6], [7], [9]]);
  assert.deepEqual(rows(1000, 8), [[0, 1], [2, 3], [4, 5], [6], [7], [9]]);
  // A grid of eight replies as long as the last would hold 7 · 47 slots for nothing.
  assert.deepEqual(rows(300, 1024), [[0, 1, 2, 3, 4, 5, 6], [7], [9]]);
});

Deno.test("logps() refuses a sequence without a prompt", async () => {
  const scorer = await openScorer(await goldenModel(), { threads: 1 });
  const sequence = { prompt: new Int32Array(), reply: Int32Array.of(1) };
  await assert.rejects(
    scorer.logps([sequence]),
    new RangeError("Expected sequence 0 to have a prompt."),
  );
  await scorer.release();
});

Deno.test("scorePairs() names the pairs whose prompt is empty, before it computes anything", async () => {
  const scorer = await openScorer(await goldenModel(), { threads: 1 });
  const [pair] = goldenPairs();
  const pairs = Array.from({ length: 23 }, (_, i) => ({
    ...pair,
    id: `f:${i}`,
    prompt: i === 1 ? pair.prompt : new Int32Array(),
  }));
  const onProgress = () => assert.fail("it computes");
  await assert.rejects(scorer.scorePairs(pairs, { onProgress }), (error: Error) => {
    assert.equal(error.name, "InputError");
    assert.match(
      error.message,
      /^21 problems:\n {2}pair f:0: Expected prompt to have tokens but found/,
    );
    assert.match(error.message, /\n {2}pair f:20: .*\n {2}…: 2 more problems\.$/);
    assert.doesNotMatch(error.message, /pair f:1:/);
    return true;
  });
  await scorer.release();
});

Deno.test("scorePairs() leaves out what a demonstration lacks and stops when asked", async () => {
  const scorer = await openScorer(await goldenModel(), { threads: 1 });
  const demonstration = { ...goldenPairs()[0], rejected: null };
  const [score] = await scorer.scorePairs([demonstration]);
  assert.equal(score.rejectedLogp, null);
  assert.equal(score.rejectedTokens, null);
  const signal = AbortSignal.abort(new Error("stop"));
  await assert.rejects(scorer.scorePairs([demonstration], { signal }), new Error("stop"));
  await scorer.release();
});

Deno.test("logps() refuses a sequence longer than the model's sliding window", async () => {
  const model = await goldenModel("mistral");
  const narrow = { ...model, config: { ...model.config, slidingWindow: 3 } };
  const scorer = await openScorer(narrow, { threads: 1 });
  const prompt = Int32Array.of(1, 2);
  assert.equal((await scorer.logps([{ prompt, reply: Int32Array.of(3) }])).length, 1);
  await assert.rejects(scorer.logps([{ prompt, reply: Int32Array.of(3, 4) }]), {
    name: "InputError",
  });
  await scorer.release();
});
