import assert from "node:assert/strict";
import { countWhole, requireCoverage } from "../../../eval/judge/judgment.ts";
import { pairCredits } from "../../../eval/judge/pair_scores.ts";
import { judgedPairs } from "./judged_pairs.ts";

Deno.test("coverage is that of the pairs that tables count: one order that cannot be read is half a pair, and none", () => {
  // Of ten pairs, three lack one order: 17 of 20 judgments, and 7 of 10 pairs.
  const ten = judgedPairs([...Array(7).fill([1, 1]), ...Array(3).fill([1, null])]);
  const { sample, unscored } = pairCredits(ten);
  assert.deepEqual(countWhole(ten.judgments), { all: 10, whole: 7, inBothOrders: true });
  assert.deepEqual([sample.values.length, unscored], [7, 3]);
  requireCoverage(ten, 0.7);
  assert.throws(
    () => requireCoverage(ten, 0.85),
    /^ExpectedError: Expected at least 85\.0% of the pairs to be scored in both orders but found 70\.0%: 17 of 20 judgments scored, 3 unparseable, 0 failed\./,
  );
});

Deno.test("judgments in one order are counted one by one", () => {
  const four = judgedPairs([[1], [0], [0.5], [null]]);
  requireCoverage(four, 0.75);
  assert.throws(
    () => requireCoverage(four, 0.76),
    /Expected at least 76\.0% of the judgments to be scored but found 75\.0%/,
  );
});
