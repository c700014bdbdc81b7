import assert from "node:assert/strict";
import { elementCount, float32 } from "../../../core/tensor.ts";
import type { Weights } from "../../../train/models/model.ts";
import { Shards } from "../../../train/parallel/shards.ts";
import { placeState } from "../../../train/placed_state.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { JoinedRanks } from "./joined_ranks.ts";

const SHAPES = { large: [40, 10], small: [7], one: [1], middle: [5, 11] };
const ELEMENTS = 400 + 7 + 1 + 55;

/** Weights of the shapes whose elements a function gives. */
function filled(value: (i: number) => number): Weights {
  return new Map(
    Object.entries(SHAPES).map(([name, dims]) => [
      name,
      float32(dims, Float32Array.from({ length: elementCount(dims) }, (_, i) => value(i))),
    ]),
  );
}

async function openShards(joined: JoinedRanks, value: (rank: number, i: number) => number) {
  const runtime = await openRuntime({ threads: 1 });
  return joined.ranks.map((ranks) => {
    const stack = new AsyncDisposableStack();
    const weights = filled((i) => value(ranks.rank, i));
    const gradients = filled((i) => value(ranks.rank, i));
    const tensors = {
      weights: placeState(runtime, weights, stack),
      gradients: placeState(runtime, gradients, stack),
    };
    const shards = new Shards(runtime, tensors, { ranks, most: 100, stack });
    return { shards, weights, gradients, blocks: shards.blocks(runtime, stack) };
  });
}

for (const size of [2, 3, 4]) {
  Deno.test(`Shards holds each moment once among ${size} ranks, evenly`, async () => {
    const bytes = (await openShards(new JoinedRanks(size), () => 0))
      .map(({ shards }) => shards.momentBytes);
    assert.equal(bytes.reduce((sum, one) => sum + one), 2 * 4 * ELEMENTS);
    // Parts are whole cache lines: of each of six buckets up to 16 elements more than an even part.
    assert(Math.max(...bytes) <= 2 * 4 * (ELEMENTS / size + 6 * 16));
  });
}

Deno.test("Shards.addUp() leaves the sum at its owner, in the ranks' order, and zeros elsewhere", async () => {
  // In float32 alone, 2²⁴ + 1 + 1 would be 2²⁴: the sum is taken in float64 and rounded once.
  const ranks = await openShards(new JoinedRanks(3), (rank, i) => rank === 0 ? 2 ** 24 : 1 + i % 2);
  await Promise.all(ranks.map(({ shards }) => shards.addUp()));
  for (const [name, dims] of Object.entries(SHAPES)) {
    for (let i = 0; i < elementCount(dims); i++) {
      const values = ranks.map(({ gradients }) => gradients.get(name)!.data[i]);
      const sum = Math.fround(2 ** 24 + 2 * (1 + i % 2));
      assert.deepEqual(values.filter((value) => value !== 0), [sum], `${name}[${i}]: ${values}`);
    }
  }
});

Deno.test("Shards.spread() gives all ranks what each has updated", async () => {
  const ranks = await openShards(new JoinedRanks(2), () => 0);
  await Promise.all(ranks.map(async ({ shards, blocks }, rank) => {
    for (const [bucket, group] of blocks.groups.entries()) {
      for (const { value, size } of group) value.write(new Float32Array(size).fill(rank + 1));
      await shards.spread(bucket);
    }
    await shards.spreadAll();
  }));
  assert.deepEqual(ranks[0].weights, ranks[1].weights);
  const values = [...ranks[0].weights.values()].flatMap(({ data }) => [...data]);
  assert.deepEqual(
    [...new Set(values)].sort(),
    [1, 2],
    "each element has one owner, both own some",
  );
});

Deno.test("Shards.share() gives parts of a state that gatherMoments() puts together again", async () => {
  const ranks = await openShards(new JoinedRanks(4), (rank, i) => rank === 0 ? i : -1);
  const state = () => ({
    step: 3,
    weights: new Map(),
    firstMoments: filled((i) => i / 8),
    secondMoments: filled((i) => i * i),
  });
  const none = { step: 3, weights: new Map(), firstMoments: new Map(), secondMoments: new Map() };
  const first = state();
  await Promise.all(ranks.map(({ shards }, rank) => shards.share(rank === 0 ? first : none)));
  for (const { weights } of ranks) assert.deepEqual(weights, filled((i) => i));
  assert.equal(first.firstMoments.size + first.secondMoments.size, 0, "they are let go");
  const [gathered, ...others] = await Promise.all(
    ranks.map(({ shards }) => shards.gatherMoments(true)),
  );
  const { firstMoments, secondMoments } = state();
  assert.deepEqual(gathered, { firstMoments, secondMoments });
  assert.deepEqual(others, [null, null, null]);
});
