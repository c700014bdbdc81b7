import assert from "node:assert/strict";
import { describe, requireLikeReplies } from "../../bench/generate/compare.ts";

const round = (seconds: number[], replies: number[][]) => ({
  seconds,
  replies,
  peakBytes: 1e9,
  otherCores: 0.01,
});

Deno.test("requireLikeReplies() wants each reply to begin alike, and no more", () => {
  const ours = round([1], [[1, 2], [3, 4]]);
  requireLikeReplies(ours, round([1], [[1, 9], [3, 4]]));
  assert.throws(
    () => requireLikeReplies(ours, round([1], [[1, 2], [5, 4]])),
    /first token of reply 1 but found 3 \(ballast\) and 5 \(transformers\)/,
  );
});

Deno.test("describe() gives new tokens a second, the ratio, and how many tokens are equal", () => {
  const ours = round([2, 1, 1], [[1, 2], [3, 4]]);
  const theirs = round([2, 2, 3], [[1, 2], [3, 9]]);
  const text = describe({ ballast: [ours], transformers: [theirs] });
  assert.match(text, /tokens\/s +4\.0\S* .*2\.0\S* .*2\.00/);
  assert.match(text, /3 of 4 tokens are equal\./);
});
