import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeName } from "../../../pipeline/store/names.ts";

const NAMES = fc.oneof(
  fc.string({ minLength: 1, unit: "grapheme" }),
  fc.stringMatching(/^[./\\%a-c@=]{1,8}$/),
  fc.string({ minLength: 195, maxLength: 210, unit: "grapheme-ascii" }),
);

Deno.test("encodeName() gives safe names of bounded length, different for different texts", () => {
  fc.assert(
    fc.property(NAMES, NAMES, (a, b) => {
      const [x, y] = [encodeName(a), encodeName(b)];
      assert.match(x, /^[A-Za-z0-9_@=,+%-]{1,200}$/);
      assert.equal(x === y, a === b);
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("encodeName() keeps instance ids readable", () => {
  assert.equal(encodeName("train/rpo-sum@seed=1"), "train%2Frpo-sum@seed=1");
  assert.equal(encodeName(".."), "%2E%2E");
});

Deno.test("encodeName() refuses what is no text", () => {
  assert.throws(() => encodeName(""), {
    name: "RangeError",
    message: 'Expected a name of whole characters but found "".',
  });
  assert.throws(() => encodeName("a\ud800"), RangeError);
});
