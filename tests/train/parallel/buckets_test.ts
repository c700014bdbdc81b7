import assert from "node:assert/strict";
import { divideIntoBuckets, ownSegments, partsOf } from "../../../train/parallel/buckets.ts";

const sizes = [["a", 5], ["b", 250], ["c", 40], ["d", 33], ["e", 100], ["f", 1]] as const;

Deno.test("divideIntoBuckets() cuts large tensors and joins small ones, in their order", () => {
  const buckets = divideIntoBuckets(sizes, { ranks: 2, most: 100 });
  assert.deepEqual(
    buckets.map(({ segments }) =>
      segments.map(({ name, start, count }) => `${name} ${start}+${count}`).join(", ")
    ),
    ["b 0+100", "b 100+100", "b 200+50", "e 0+100", "a 0+5, c 0+40, d 0+33, f 0+1"],
  );
});

for (const ranks of [1, 2, 3, 4, 7]) {
  Deno.test(`ownSegments() gives every element to one of ${ranks} ranks`, () => {
    const owners = new Map<string, number[]>();
    for (const bucket of divideIntoBuckets(sizes, { ranks, most: 100 })) {
      for (let rank = 0; rank < ranks; rank++) {
        const segments = ownSegments(bucket, rank);
        const count = segments.reduce((sum, { count }) => sum + count, 0);
        assert.equal(count, bucket.parts.counts[rank]);
        for (const { name, start, count } of segments) {
          for (let i = start; i < start + count; i++) {
            owners.set(`${name}[${i}]`, [...owners.get(`${name}[${i}]`) ?? [], rank]);
          }
        }
      }
    }
    assert.equal(owners.size, sizes.reduce((sum, [, size]) => sum + size, 0));
    assert([...owners.values()].every((ranks) => ranks.length === 1));
  });
}

Deno.test("partsOf() gives even parts of whole cache lines", () => {
  assert.deepEqual(partsOf(100, 4), {
    counts: Int32Array.of(32, 32, 32, 4),
    starts: Int32Array.of(0, 32, 64, 96),
  });
  assert.deepEqual(partsOf(5, 3).counts, Int32Array.of(5, 0, 0));
});
