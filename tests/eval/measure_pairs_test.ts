import assert from "node:assert/strict";
import { measurePairs } from "../../eval/measure_pairs.ts";
import { pairPreferences } from "../../eval/pair_preferences.ts";
import { scoring } from "./world_model.ts";

const ids = (...tokens: number[]) => Int32Array.from(tokens);
const pairs = [
  { id: "x:1", prompt: ids(1, 2), chosen: ids(3, 4, 5), rejected: ids(6) },
  { id: "x:2", prompt: ids(1), chosen: ids(3), rejected: ids(6, 7) },
];
const reference = [
  { id: "x:1", chosenLogp: -9, rejectedLogp: -2 },
  { id: "x:2", chosenLogp: -2, rejectedLogp: -4 },
];

Deno.test("measurePairs() measures a policy against the reference's log-probs", async () => {
  const { metrics, itemSets } = await measurePairs({ score: scoring(-2), pairs, reference });
  assert.deepEqual(metrics.chosenLogp!.values, [-6, -2]);
  assert.deepEqual(metrics.chosenLogpChange!.values, [3, 0]);
  assert.deepEqual(metrics.rejectedLogpChange!.values, [0, 0]);
  assert.deepEqual(metrics.margin!.values, [3, 0]);
  assert.deepEqual(metrics.accuracy!.values, [100, 50]);
  assert.deepEqual(metrics.chosenNll!.values, [2, 2]);
  assert.deepEqual(itemSets.pairs.items, ["x:1", "x:2"]);
});

Deno.test("measurePairs() takes the reference's own log-probs where no policy is given", async () => {
  const { metrics } = await measurePairs({ score: null, pairs, reference });
  assert.deepEqual(metrics.chosenLogp!.values, [-9, -2]);
  assert.deepEqual(metrics.chosenLogpChange!.values, [0, 0]);
  assert.deepEqual(metrics.margin!.values, [0, 0]);
  assert.deepEqual(metrics.accuracy!.values, [50, 50]);
});

Deno.test("measurePairs() refuses log-probs of other pairs", async () => {
  const turned = [...reference].reverse();
  await assert.rejects(measurePairs({ score: scoring(-1), pairs, reference: turned }), {
    name: "RangeError",
    message: 'Expected reference log-probs of pair "x:1" but found those of "x:2".',
  });
  await assert.rejects(measurePairs({ score: scoring(-1), pairs, reference: [] }), {
    name: "RangeError",
    message: "Expected reference log-probs of 2 pairs but found 0.",
  });
});

Deno.test("measurePairs() refuses demonstrations", async () => {
  const demonstrations = pairs.map((pair) => ({ ...pair, rejected: null }));
  await assert.rejects(measurePairs({ score: scoring(-1), pairs: demonstrations, reference }), {
    name: "RangeError",
    message: 'Expected pair "x:1" to have a rejected reply.',
  });
});

Deno.test("pairPreferences() refuses lists of different lengths", () => {
  assert.throws(
    () =>
      pairPreferences({
        policyChosen: [1],
        policyRejected: [1],
        referenceChosen: [],
        referenceRejected: [1],
      }),
    {
      name: "RangeError",
      message: "Expected log-probs of the same pairs but found lists of 1, 1, 0, 1.",
    },
  );
});

Deno.test("pairPreferences() refuses a margin that is not a number", () => {
  const logps = { policyChosen: [-1, NaN], policyRejected: [-1, -1] };
  const reference = { referenceChosen: [-1, -2], referenceRejected: [-1, -3] };
  assert.throws(() => pairPreferences({ ...logps, ...reference }), {
    name: "RangeError",
    message: "Expected the margin of pair 1 to be a number but found policyChosen NaN, " +
      "policyRejected -1, referenceChosen -2, referenceRejected -3.",
  });
});
