import assert from "node:assert/strict";
import { seldom } from "../../cli/seldom.ts";

Deno.test("seldom() passes progress on ten times a second, and the last always", () => {
  const told: number[] = [];
  let time = 0;
  const tell = seldom(({ done }) => told.push(done), () => time);
  for (let done = 1; done <= 40; done++, time += 10) tell({ done, total: 40, unit: "keys" });
  assert.deepEqual(told, [1, 11, 21, 31, 40]);
});
