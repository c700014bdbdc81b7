import assert from "node:assert/strict";
import fc from "fast-check";
import { clusterSums } from "../../../eval/stats/sample.ts";
import { winRate } from "../../../eval/stats/win_rate.ts";

Deno.test("winRate() counts a tie half", () => {
  assert.deepEqual(winRate([1, 0, 2, 2], [0, 0, 3, 1]), {
    wins: 2,
    losses: 1,
    ties: 1,
    rate: 62.5,
    credits: [100, 50, 0, 100],
  });
});

Deno.test("winRate() takes a difference by rounding alone for a tie", () => {
  assert.equal(winRate([4 / 5 - 0.2], [3 / 5]).ties, 1);
});

Deno.test("winRate() of a over b and of b over a add up to 100", () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })), {
    minLength: 1,
  });
  fc.assert(
    fc.property(pairs, (list) => {
      const [a, b] = [list.map(([x]) => x), list.map(([, y]) => y)];
      assert.ok(Math.abs(winRate(a, b).rate + winRate(b, a).rate - 100) < 1e-9);
    }),
    { numRuns: 60, seed: 1 },
  );
});

Deno.test("winRate() refuses lists of different lengths", () => {
  assert.throws(() => winRate([1], []), {
    name: "RangeError",
    message: "Expected as many values of a as of b, and at least 1, but found 1 and 0.",
  });
});

Deno.test("winRate() refuses what is not a number", () => {
  assert.throws(() => winRate([1, NaN], [0, 1]), {
    name: "RangeError",
    message: "Expected numbers at item 1 but found NaN and 1.",
  });
});

Deno.test("clusterSums() adds up the values of each item", () => {
  const { sums, counts } = clusterSums({ items: ["b", "a", "b"], values: [1, 2, 4] });
  assert.deepEqual([[...sums], [...counts]], [[5, 2], [2, 1]]);
});
