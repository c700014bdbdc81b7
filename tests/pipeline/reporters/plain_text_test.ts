import assert from "node:assert/strict";
import {
  displayWidth,
  escapeControls,
  pad,
  truncate,
} from "../../../pipeline/reporters/plain_text.ts";
import {
  formatBytes,
  formatClock,
  formatEstimate,
  formatSeconds,
} from "../../../pipeline/reporters/quantities.ts";
import { rateOf, runSecondsLeft, stageSecondsLeft } from "../../../pipeline/reporters/time_left.ts";

Deno.test("escapeControls() shows escape sequences and direction marks instead of obeying them", () => {
  assert.equal(
    escapeControls("a\x1b[31mb\x07\u202ec\u009b\r"),
    "a\\u{1b}[31mb\\u{7}\\u{202e}c\\u{9b}\\u{d}",
  );
  assert.equal(escapeControls("a\nb\tc"), "a\\u{a}b c");
  assert.equal(escapeControls("a\nb", "keep-lines"), "a\nb");
  assert.equal(escapeControls("größe 長 🙂"), "größe 長 🙂");
});

Deno.test("displayWidth() counts wide characters as two and combining ones as none", () => {
  assert.equal(displayWidth("abc"), 3);
  assert.equal(displayWidth("長い"), 4);
  assert.equal(displayWidth("e\u0301"), 1);
});

Deno.test("truncate() and pad() keep to a width in columns", () => {
  assert.equal(truncate("abcdef", 6), "abcdef");
  assert.equal(truncate("abcdefg", 6), "abcde…");
  assert.equal(truncate("長長長", 5), "長長…");
  assert.equal(truncate("長長長", 4), "長…");
  assert.equal(truncate("abc", 0), "");
  assert.equal(pad("長", 4), "長  ");
});

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

Deno.test("runSecondsLeft() moves from the plan's estimate to what the run itself shows", () => {
  assert.equal(runSecondsLeft({ share: 0, elapsed: 10, estimate: 100 }), 90);
  assert.equal(runSecondsLeft({ share: 0.5, elapsed: 100, estimate: 100 }), 50);
  assert.equal(runSecondsLeft({ share: 0.5, elapsed: 100, estimate: null }), 100);
  assert.equal(runSecondsLeft({ share: 0, elapsed: 10, estimate: null }), null);
});
