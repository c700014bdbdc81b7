import assert from "node:assert/strict";
import type { RunEvent } from "../../../pipeline/events.ts";
import { TerminalReporter } from "../../../pipeline/reporters/terminal.ts";
import { displayWidth } from "../../../core/display_width.ts";
import { CapturedOutput, eventsAt, FAILING_RUN } from "./fixture.ts";

const STOPPED_CLOCK = { now: () => 1_000_000, every: () => () => {} };

function show(events: readonly RunEvent[], width = 100): CapturedOutput {
  const writer = new CapturedOutput(width);
  const reporter = new TerminalReporter({ writer, color: false, clock: STOPPED_CLOCK });
  events.forEach((event) => reporter.receive(event));
  return writer;
}

Deno.test("TerminalReporter keeps finished, failed and warned lines and ends with the outcome", () => {
  assert.deepEqual(show(FAILING_RUN).screen(), [
    "tiny · run 0007 · 3 stages to run · 2 cached · about 2 min",
    " ! train/sft@seed=1: 3 rows cut",
    " ✗ train/sft@seed=1                      failed after 3.9 s",
    "     Expected a finite loss",
    "     but found NaN.",
    "     last lines of its log:",
    "       3 rows cut",
    "       step 3\\x1b[2J",
    " ✓ train/dpo@seed=1                      11.9 s",
    " − 1 stage not run",
    "tiny: failed in 12.0 s, 1 stage ran, 2 cached, 1 failed (run 0007)",
  ]);
});

Deno.test("TerminalReporter draws each running stage with bar, rate, time left and note", () => {
  const live = show(FAILING_RUN.slice(0, 9)).screen().slice(-3);
  assert.match(
    live[0],
    /^ . train\/dpo@seed=1 {22}━{2}─{10} 90\/480 steps · 40\/s · 10 s left · loss 0\.52$/,
  );
  assert.match(live[1], /^ . train\/sft@seed=1 {22}3\.0 s$/);
  assert.match(live[2], /^ ─{12} {2}0\/3 · 3\.0 s · about 2 min left$/);
});

Deno.test("TerminalReporter shows for whom a stage waits until it goes on", () => {
  const events = eventsAt([
    [0, { type: "run-started", run: "1", recipe: "r", cached: 0, todo: 2, estimateSeconds: null }],
    [500, { type: "stage-waiting", id: "train", key: "", pid: 12, host: "a01" }],
    [999, { type: "stage-cached", id: "train", key: "" }],
  ]);
  const waiting = show(events.slice(0, 2)).screen();
  assert.equal(waiting.length, 3);
  assert.match(waiting[1], /^ … train +waiting for process 12 on a01$/);
  assert.equal(show(events).screen().length, 2);
});

Deno.test("TerminalReporter never draws a live line wider than the terminal", () => {
  for (const width of [20, 40, 60, 80, 200]) {
    const long = eventsAt([
      [0, { type: "run-started", run: "1", recipe: "r", cached: 0, todo: 2, estimateSeconds: 9e5 }],
      [1, { type: "stage-waiting", id: "長".repeat(90), key: "", pid: 12, host: "h".repeat(90) }],
      [1, {
        type: "stage-started",
        id: "train/" + "長".repeat(90),
        key: "",
        pid: 1,
        resumed: false,
        reasons: [],
      }],
      [999, {
        type: "stage-progress",
        id: "train/" + "長".repeat(90),
        progress: { done: 123456, total: 999999, unit: "tokens", note: "loss 1 ".repeat(40) },
      }],
    ]);
    const lines = show(long, width).screen().slice(1);
    assert.equal(lines.length, 3);
    for (const line of lines) assert.ok(displayWidth(line) <= width, `${width}: ${line}`);
  }
});

Deno.test("TerminalReporter counts stages that turn out cached as nothing to do", () => {
  const lines = show(eventsAt([
    [0, { type: "run-started", run: "1", recipe: "r", cached: 1, todo: 3, estimateSeconds: null }],
    [0, { type: "stage-cached", id: "a", key: "" }],
    [1, { type: "stage-started", id: "b", key: "", pid: 1, resumed: false, reasons: [] }],
    [900, {
      type: "stage-finished",
      id: "b",
      key: "",
      seconds: 1,
      peakMemoryBytes: null,
      outputs: {},
    }],
    [901, { type: "stage-cached", id: "c", key: "" }],
    [902, { type: "stage-started", id: "d", key: "", pid: 1, resumed: false, reasons: [] }],
    [1900, { type: "stage-progress", id: "d", progress: { done: 0, total: 0, unit: "" } }],
  ])).screen();
  assert.match(lines.at(-1)!, /1\/2 · 1\.9 s · about 2 s left$/);
});

Deno.test("TerminalReporter says in one line that nothing was to do", () => {
  const text = show(eventsAt([
    [0, {
      type: "run-started",
      run: "0002",
      recipe: "tiny",
      cached: 65,
      todo: 0,
      estimateSeconds: 0,
    }],
    [1, { type: "stage-cached", id: "a", key: "" }],
    [2, {
      type: "run-finished",
      run: "0002",
      status: "done",
      ran: 0,
      cached: 65,
      failed: 0,
      seconds: 0.3,
    }],
  ])).text;
  assert.equal(text, "tiny: nothing to do, 65 stages cached (0.3 s)\n");
});

Deno.test("TerminalReporter redraws at most ten times a second and stops ticking at the end", () => {
  const writer = new CapturedOutput(100);
  let ticking = 0;
  const clock = { now: () => 0, every: () => (ticking++, () => void ticking--) };
  const reporter = new TerminalReporter({ writer, color: false, clock });
  FAILING_RUN.slice(0, 4).forEach((event) => reporter.receive(event));
  assert.equal(ticking, 1);
  const before = writer.text.length;
  for (let time = 1; time < 90; time++) {
    reporter.receive({
      time: 1_000_000 + time,
      type: "stage-progress",
      id: "train/dpo@seed=1",
      progress: { done: time, total: 480, unit: "steps" },
    });
  }
  assert.equal(writer.text.length, before);
  FAILING_RUN.slice(4).forEach((event) => reporter.receive(event));
  assert.equal(ticking, 0);
});
