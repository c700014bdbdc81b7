import assert from "node:assert/strict";
import { RotaryAngles } from "../../../train/models/rotary_angles.ts";
import { tinyModel } from "../tiny_run.ts";

Deno.test("RotaryAngles gives the same rows however they are asked for", () => {
  const fresh = new RotaryAngles(tinyModel.config);
  const whole = fresh.table(0, 50);
  const row = new RotaryAngles(tinyModel.config).table(37, 1);
  assert.deepEqual([...row.cos.data], [...whole.cos.data.subarray(74, 76)]);
  assert.deepEqual([...row.sin.data], [...whole.sin.data.subarray(74, 76)]);
  // Two angles a position with head dimension 4: position and position / 100.
  assert.deepEqual([...row.cos.data], [Math.fround(Math.cos(37)), Math.fround(Math.cos(0.37))]);
  const picked = new RotaryAngles(tinyModel.config).at(Int32Array.of(37, 0, 37));
  assert.deepEqual([...picked.cos.data], [...row.cos.data, 1, 1, ...row.cos.data]);
});
