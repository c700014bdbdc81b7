import assert from "node:assert/strict";
import { generationBatches } from "../../eval/generation_batches.ts";

const rules = {
  lengthOf: (length: number) => length,
  maxNewTokens: 10,
  mostRows: 512,
  mostPositions: Infinity,
};
const many = (count: number, length: number) => new Array<number>(count).fill(length);

Deno.test("generationBatches() puts rows of unequal length together, the shortest first", () => {
  assert.deepEqual(generationBatches([9, 4, 7, 4], rules), [[4, 4, 7, 9]]);
});

Deno.test("generationBatches() leaves a length that 16 rows share by itself", () => {
  const rows = [5, ...many(15, 6), ...many(16, 7), 8];
  const batches = generationBatches(rows, rules);
  assert.deepEqual(batches, [[5, ...many(15, 6), 8], many(16, 7)]);
});

Deno.test("generationBatches() parts rows at a gap that takes more steps than a reply", () => {
  assert.deepEqual(generationBatches([3, 13, 23], rules), [[3, 13, 23]]);
  assert.deepEqual(generationBatches([3, 13, 24], rules), [[3, 13], [24]]);
});

Deno.test("generationBatches() bounds rows, and rows times positions", () => {
  const sizes = (batches: number[][]) => batches.map(({ length }) => length);
  assert.deepEqual(sizes(generationBatches(many(40, 6), { ...rules, mostRows: 16 })), [16, 16, 8]);
  assert.deepEqual(sizes(generationBatches(many(40, 6), { ...rules, mostPositions: 330 })), [
    20,
    20,
  ]);
  const unequal = generationBatches([2, 4, 6, 8], { ...rules, mostPositions: 36 });
  assert.deepEqual(unequal, [[2, 4], [6, 8]]);
  assert.deepEqual(generationBatches([2, 4], { ...rules, mostPositions: 1 }), [[2], [4]]);
});
