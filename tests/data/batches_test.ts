import assert from "node:assert/strict";
import { type BatchPlan, batchRows } from "../../data/batches.ts";

const plan: BatchPlan = { count: 5, batchSize: 3, order: "shuffled", seed: 7 };

Deno.test("batchRows() in sequential order wraps at the end of the rows", () => {
  const sequential: BatchPlan = { ...plan, order: "sequential" };
  assert.deepEqual([1, 2, 3].map((step) => batchRows(sequential, step)), [
    [0, 1, 2],
    [3, 4, 0],
    [1, 2, 3],
  ]);
});

Deno.test("batchRows() shuffled gives each epoch every row once, in an order of its own", () => {
  const stream = [1, 2, 3, 4, 5].flatMap((step) => batchRows(plan, step));
  const epochs = [stream.slice(0, 5), stream.slice(5, 10), stream.slice(10, 15)];
  for (const epoch of epochs) assert.deepEqual(epoch.toSorted(), [0, 1, 2, 3, 4]);
  assert.equal(new Set(epochs.map(String)).size, 3);
});

Deno.test("batchRows() depends on the step alone, not on the steps asked before", () => {
  const late = batchRows(plan, 40);
  for (let step = 1; step < 40; step++) batchRows(plan, step);
  assert.deepEqual(batchRows(plan, 40), late);
});

Deno.test("batchRows() serves a batch larger than the data set", () => {
  const rows = batchRows({ ...plan, batchSize: 12 }, 1);
  assert.equal(rows.length, 12);
  assert.deepEqual(rows.slice(0, 5).toSorted(), [0, 1, 2, 3, 4]);
});

Deno.test("batchRows() refuses a step, count or size that is no positive integer", () => {
  const refused = (wrong: Partial<BatchPlan>, step: number, message: string) =>
    assert.throws(() => batchRows({ ...plan, ...wrong }, step), new RangeError(message));
  refused({}, 0, "Expected step to be an integer greater than 0 but found 0.");
  refused({ count: 1.5 }, 1, "Expected count to be an integer greater than 0 but found 1.5.");
  refused({ batchSize: -1 }, 1, "Expected batchSize to be an integer greater than 0 but found -1.");
});
