import assert from "node:assert/strict";
import { Random } from "../../core/random.ts";
import { greedyToken, type Sampling, TokenSampler } from "../../eval/next_token.ts";

function shares(logits: number[], sampling: Sampling, draws = 20_000): number[] {
  const sampler = new TokenSampler(logits.length, sampling);
  const random = Random.seeded(1, "test");
  const row = { logits: Float32Array.from(logits), row: 0, vocabSize: logits.length };
  const counts = logits.map(() => 0);
  for (let i = 0; i < draws; i++) counts[sampler.draw(row, random)]++;
  return counts.map((count) => count / draws);
}

function assertShares(found: number[], expected: number[]): void {
  found.forEach((share, i) =>
    assert.ok(Math.abs(share - expected[i]) < 0.015, `${found} ≠ ${expected}`)
  );
}

const LOGITS = [Math.log(0.5), Math.log(0.3), Math.log(0.15), Math.log(0.05)];

Deno.test("TokenSampler draws tokens as often as softmax says", () => {
  assertShares(shares(LOGITS, { temperature: 1, topP: 1 }), [0.5, 0.3, 0.15, 0.05]);
});

Deno.test("TokenSampler at temperature 0.5 squares the odds", () => {
  const squares = [0.25, 0.09, 0.0225, 0.0025].map((weight) => weight / 0.365);
  assertShares(shares(LOGITS, { temperature: 0.5, topP: 1 }), squares);
});

Deno.test("TokenSampler with top-p keeps the fewest tokens that hold the mass", () => {
  assertShares(shares(LOGITS, { temperature: 1, topP: 0.79 }), [5 / 8, 3 / 8, 0, 0]);
  assertShares(shares(LOGITS, { temperature: 1, topP: 0.9 }), [10 / 19, 6 / 19, 3 / 19, 0]);
  assertShares(shares(LOGITS, { temperature: 1, topP: 0.01 }), [1, 0, 0, 0]);
});

Deno.test("TokenSampler with top-k keeps the most likely tokens, of which top-p keeps the mass", () => {
  assertShares(shares(LOGITS, { temperature: 1, topP: 1, topK: 2 }), [5 / 8, 3 / 8, 0, 0]);
  assertShares(shares(LOGITS, { temperature: 1, topP: 0.6, topK: 2 }), [1, 0, 0, 0]);
  assertShares(shares(LOGITS, { temperature: 1, topP: 0.9, topK: 9 }), [
    10 / 19,
    6 / 19,
    3 / 19,
    0,
  ]);
});

Deno.test("TokenSampler survives huge logits and never draws a masked token", () => {
  const found = shares([-Infinity, 3e38, 3e38, -Infinity], { temperature: 1, topP: 1 }, 2000);
  assert.equal(found[0] + found[3], 0);
  assert.ok(Math.abs(found[1] - 0.5) < 0.05);
});

Deno.test("greedyToken() reads its own row and takes the lowest id among equals", () => {
  const logits = Float32Array.from([9, 0, 0, 1, 4, 4]);
  assert.equal(greedyToken({ logits, row: 1, vocabSize: 3 }), 1);
});

Deno.test("greedyToken() refuses a row that is all masked", () => {
  const logits = new Float32Array(2).fill(-Infinity);
  assert.throws(() => greedyToken({ logits, row: 0, vocabSize: 2 }), {
    message: "The model gives the logit -Infinity to token 0; its weights have diverged.",
  });
});

Deno.test("TokenSampler refuses a temperature of 0, a top-p above 1 and a top-k of 0", () => {
  assert.throws(() => new TokenSampler(4, { temperature: 0, topP: 1 }), {
    name: "RangeError",
    message: "Expected temperature to be greater than 0 but found 0.",
  });
  assert.throws(() => new TokenSampler(4, { temperature: 1, topP: 1.5 }), {
    name: "RangeError",
    message: "Expected topP to be greater than 0 and at most 1 but found 1.5.",
  });
  assert.throws(() => new TokenSampler(4, { temperature: 1, topP: 1, topK: 0 }), {
    name: "RangeError",
    message: "Expected topK to be an integer greater than 0 but found 0.",
  });
});
