import assert from "node:assert/strict";
import {
  adapterWeights,
  countWeights,
  forwardOperations,
  trainingOperations,
} from "../../../train/costs/arithmetic.ts";
import { scoringWork, trainingWork } from "../../../train/costs/work.ts";
import { SMALL } from "./small_shape.ts";

/** Ten tokens, of which four are predicted, and sixty pairs of query and key. */
const READING = { tokens: 10, replyTokens: 4, cells: 60 };

Deno.test("countWeights() tells matrices of layers from the rest", () => {
  assert.deepEqual(countWeights(SMALL), {
    all: 10 * 4 + 2 * (120 + 4 + 4) + 4 + 10 * 4, // table, layers with two norms, last norm, head
    layers: 2 * 120,
    lastFinish: 16 + 24 + 24 + 24,
    head: 10 * 4,
  });
  const tied = countWeights({ ...SMALL, tiedEmbeddings: true });
  assert.deepEqual([tied.all, tied.head], [300, 40]);
});

Deno.test("forwardOperations() takes two a weight and token, but for tokens that predict nothing in the end", () => {
  assert.deepEqual(forwardOperations(SMALL, READING), {
    layers: 2 * (240 * 10 - 88 * 6),
    head: 2 * 40 * 4,
    attention: 2 * 2 * 2 * 60 * 2 * 2, // two operations, two products, C, cells, H, layers
  });
});

Deno.test("trainingOperations() takes six a weight, and recomputing two more in the layers", () => {
  assert.deepEqual(trainingOperations(SMALL, READING, { recomputes: false }), {
    layers: 3 * 3744,
    head: 3 * 320,
    attention: 3 * 1920,
  });
  assert.deepEqual(trainingOperations(SMALL, READING, { recomputes: true }), {
    layers: 4 * 3744,
    head: 3 * 320,
    attention: 4 * 1920,
  });
});

Deno.test("trainingOperations() takes four a frozen weight, and six of the adapter's", () => {
  const adapter = { rank: 1, targets: ["q_proj", "v_proj"] } as const;
  assert.equal(adapterWeights({ rank: 1, targets: [...adapter.targets] }, SMALL), 28); // 2 × (4 + 4 + 4 + 2)
  const operations = trainingOperations(SMALL, READING, {
    adapter: { rank: 1, targets: [...adapter.targets] },
    recomputes: false,
  });
  assert.deepEqual(operations, {
    layers: 2 * 3744 + 6 * 28 * 10,
    head: 2 * 320,
    attention: 3 * 1920,
  });
});

Deno.test("trainingWork() adds the update a step and the gathering a run, for each trained weight", () => {
  // 72 numbers a token and layer: 4·4 + 5·4 + 6·2 + 4·6.
  const numbers = 80 * 72 * 2 * 10;
  const pair = 3 * 3744 + 3 * 320 + 1.5 * 3 * 1920 + 3 * numbers;
  const plan = { pairs: 8, steps: 2, runs: 6, passes: 1, recomputes: false };
  assert.equal(trainingWork(SMALL, READING, plan), 8 * pair + 340 * (2 * 500 + 6 * 100));
  assert.equal(scoringWork(SMALL, READING), 3744 + 320 + 1.5 * 1920 + numbers);
});

Deno.test("trainingWork() passes over a batch again where gradients are measured apart", () => {
  const plan = { pairs: 8, steps: 2, runs: 6, recomputes: false };
  const [once, twice] = [1, 2].map((passes) => trainingWork(SMALL, READING, { ...plan, passes }));
  assert.equal(twice - once, once - 340 * 2 * 500, "all but the updates");
});
