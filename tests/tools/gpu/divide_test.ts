import assert from "node:assert/strict";
import { divide } from "../../../tools/gpu/divide.ts";

const pieces = (...sizes: number[]) => sizes.map((bytes, i) => ({ name: `${i}.xz`, bytes }));

Deno.test("divide() puts the largest pieces first into whichever part is emptiest", () => {
  const [a, b, c, d] = pieces(2, 6, 5, 3);
  assert.deepEqual(divide([a, b, c, d], 8), [
    { bytes: 8, pieces: [b, a] },
    { bytes: 8, pieces: [c, d] },
  ]);
  assert.deepEqual(divide([], 8), []);
});

Deno.test("divide() takes a part more where the fewest do not hold the pieces", () => {
  const parts = divide(pieces(4, 4, 4), 6);
  assert.deepEqual(parts.map(({ bytes }) => bytes), [4, 4, 4]);
});

Deno.test("divide() names the piece that no part has room for, and room that is none", () => {
  assert.throws(
    () => divide(pieces(3, 9, 10), 8),
    new RangeError("Expected pieces of at most 8 bytes, the room of a part, but 2.xz has 10."),
  );
  assert.throws(
    () => divide(pieces(1), NaN),
    new RangeError("Expected room of more than 0 bytes but found NaN."),
  );
});
