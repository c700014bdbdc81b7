import assert from "node:assert/strict";
import { RotaryAngles } from "../../train/models/rotary_angles.ts";
import { batchSequences } from "../../train/sequences.ts";
import { tinyModel } from "./tiny_run.ts";

const angles = new RotaryAngles(tinyModel.config);
const tokens = (...ids: number[]) => Int32Array.from(ids);

Deno.test("batchSequences() reads no padding and points each reply token at its predecessor", () => {
  const batch = batchSequences([
    { prompt: tokens(6), reply: tokens(7) },
    { prompt: tokens(1, 2), reply: tokens(3, 4, 5) },
  ], angles);
  // The last token of a reply is only predicted, never read.
  assert.deepEqual([...batch.ids.data].map(Number), [6, 1, 2, 3, 4]);
  assert.deepEqual([...batch.places.data].map(Number), [0, 4, 5, 6, 7]);
  assert.deepEqual(batch.grid.dims, [2, 4]);
  assert.deepEqual([...batch.positions.data].map(Number), [0, 2, 3, 4]);
  assert.deepEqual([...batch.targets.data].map(Number), [7, 3, 4, 5]);
  assert.deepEqual([...batch.segments.data].map(Number), [0, 1, 1, 1]);
  assert.deepEqual(batch.cos.dims, [4, 2]);
});

Deno.test("batchSequences() refuses a batch without sequences, and sequences without tokens", () => {
  assert.throws(
    () => batchSequences([], angles),
    new RangeError("Expected at least one sequence."),
  );
  assert.throws(
    () => batchSequences([{ prompt: tokens(1), reply: tokens() }], angles),
    new RangeError(
      "Expected sequence 0 to have a prompt and a reply but found 1 and 0 tokens.",
    ),
  );
});

Deno.test("RotaryAngles gives the same rows however they are asked for", () => {
  const fresh = new RotaryAngles(tinyModel.config);
  const whole = fresh.table(0, 50);
  const row = new RotaryAngles(tinyModel.config).table(37, 1);
  assert.deepEqual([...row.cos.data], [...whole.cos.data.subarray(74, 76)]);
  assert.deepEqual([...row.sin.data], [...whole.sin.data.subarray(74, 76)]);
  // Two angles a position with head dimension 4: position and position / 100.
  assert.deepEqual([...row.cos.data], [Math.fround(Math.cos(37)), Math.fround(Math.cos(0.37))]);
});
