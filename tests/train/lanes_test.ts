import assert from "node:assert/strict";
import { runLanes, shareOut, trainingLanes } from "../../train/lanes.ts";

const adapter = {};

Deno.test("trainingLanes() divides the threads, and gives a lane at least a pair", () => {
  const lanes = (threads: number, batchPairs = 8) =>
    trainingLanes({ adapter, threads, batchPairs });
  assert.deepEqual([1, 2, 3, 4, 5, 6, 8, 16].map((n) => lanes(n)), [1, 2, 3, 4, 1, 3, 4, 4]);
  assert.deepEqual([1, 2, 3].map((pairs) => lanes(4, pairs)), [1, 2, 2]);
});

Deno.test("trainingLanes() gives one lane to all weights, and on a GPU", () => {
  assert.equal(trainingLanes({ threads: 4, batchPairs: 8 }), 1);
  assert.equal(trainingLanes({ adapter, threads: 4, batchPairs: 8, device: "cuda:0" }), 1);
});

Deno.test("shareOut() gives each piece of work once, the heaviest first to the freest lane", () => {
  assert.deepEqual(shareOut([3, 9, 5, 5, 2], 2), [[1, 0], [2, 3, 4]]);
  assert.deepEqual(shareOut([7, 7, 7], 1), [[0, 1, 2]]);
  assert.deepEqual(shareOut([1], 2), [[0], []]);
});

Deno.test("runLanes() runs lanes side by side, each in its order", async () => {
  const seen: string[] = [];
  await runLanes([["a1", "a2"], ["b1", "b2"]], async (work, lane) => {
    seen.push(`${lane}:${work}`);
    await Promise.resolve();
  });
  assert.deepEqual(seen, ["0:a1", "1:b1", "0:a2", "1:b2"]);
});

Deno.test("runLanes() begins nothing after a failure, and waits for what is under way", async () => {
  const slow = Promise.withResolvers<void>();
  const begun: string[] = [];
  let ended = false;
  const running = runLanes([["fails", "never"], ["slow", "never"]], async (work) => {
    begun.push(work);
    if (work === "fails") throw new Error("as told");
    await slow.promise;
    ended = true;
  });
  const failed = assert.rejects(running, { message: "as told" });
  slow.resolve();
  await failed;
  assert(ended);
  assert.deepEqual(begun, ["fails", "slow"]);
});
