import assert from "node:assert/strict";
import {
  formatBytes,
  formatClock,
  formatEstimate,
  formatSeconds,
} from "../../../pipeline/reporters/quantities.ts";
import { rateOf, runSecondsLeft, stageSecondsLeft } from "../../../pipeline/reporters/time_left.ts";

Deno.test("formatSeconds() changes its unit where the next one begins", () => {
  const cases: [number, string][] = [
    [0, "0.0 s"],
    [59.94, "59.9 s"],
    [59.96, "1 min 00 s"],
    [252, "4 min 12 s"],
    [3599.6, "1 h 00 min"],
    [7500, "2 h 05 min"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatSeconds(seconds), text);
});

Deno.test("formatEstimate() rounds to what an estimate is worth", () => {
  const cases: [number, string][] = [
    [0.2, "1 s"],
    [8.4, "8 s"],
    [43, "45 s"],
    [58, "1 min"],
    [100, "2 min"],
    [4200, "1 h 10 min"],
    [71.9 * 3600, "71 h 54 min"],
    [72 * 3600, "3 days"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatEstimate(seconds), text);
});

Deno.test("formatBytes() and formatClock() at their edges", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 1048575, 3 * 2 ** 30].map(formatBytes), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "1.0 MiB",
    "3.0 GiB",
  ]);
  assert.deepEqual([0, 61_999, 3_723_000].map(formatClock), ["00:00", "01:01", "1:02:03"]);
});

Deno.test("a resumed stage's rate counts only what was done since it resumed", () => {
  const progress = { done: 300, total: 500, unit: "steps" };
  const stage = {
    id: "t",
    started: 0,
    first: { time: 0, done: 200 },
    last: { time: 10_000, progress },
  };
  assert.equal(rateOf(stage), 10);
  assert.equal(stageSecondsLeft(stage, 10_000), 20);
  assert.equal(stageSecondsLeft(stage, 15_000), 15);
  assert.equal(stageSecondsLeft({ ...stage, first: null }, 10_000), null);
});

Deno.test("runSecondsLeft() is never less than what a stage under way needs", () => {
  const run = { share: 0.75, elapsed: 30, estimate: 40 };
  assert.equal(runSecondsLeft({ ...run, running: [null] }), 10);
  assert.equal(runSecondsLeft({ ...run, running: [20, 55, null] }), 55);
});

Deno.test("runSecondsLeft() moves from the plan's estimate to what the run itself shows", () => {
  assert.equal(runSecondsLeft({ share: 0, elapsed: 10, estimate: 100, running: [] }), 90);
  assert.equal(runSecondsLeft({ share: 0.5, elapsed: 100, estimate: 100, running: [] }), 50);
  assert.equal(runSecondsLeft({ share: 0.5, elapsed: 100, estimate: null, running: [] }), 100);
  assert.equal(runSecondsLeft({ share: 0, elapsed: 10, estimate: null, running: [] }), null);
});
