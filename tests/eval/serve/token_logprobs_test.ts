import assert from "node:assert/strict";
import { scoreToken } from "../../../eval/serve/token_logprobs.ts";

const row = (...logits: number[]) => ({
  logits: Float32Array.from([9, 9, 9, 9, ...logits]),
  row: 1,
  vocabSize: 4,
});

Deno.test("scoreToken() gives log-probabilities and the likeliest tokens, the lowest id first among equals", () => {
  const probabilities = [0.1, 0.4, 0.4, 0.1];
  const { token, logprob, top } = scoreToken(row(...probabilities.map(Math.log)), 3, 3);
  assert.equal(token, 3);
  assert.ok(Math.abs(logprob - Math.log(0.1)) < 1e-6);
  assert.deepEqual(top.map((each) => each.token), [1, 2, 0]);
  top.forEach((each) =>
    assert.ok(Math.abs(each.logprob - Math.log(probabilities[each.token])) < 1e-6)
  );
});

Deno.test("scoreToken() tells no likeliest tokens where none are asked for, and survives huge logits", () => {
  const { logprob, top } = scoreToken(row(3e38, -3e38, 0, 0), 0, 0);
  assert.deepEqual([logprob, top], [0, []]);
});

Deno.test("scoreToken() refuses what is no number", () => {
  assert.throws(() => scoreToken(row(0, NaN, 0, 0), 0, 1), {
    name: "ExpectedError",
    message: "The model gives logits that are no numbers; its weights have diverged.",
  });
});
