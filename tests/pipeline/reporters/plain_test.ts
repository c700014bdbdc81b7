import assert from "node:assert/strict";
import { NdjsonReporter } from "../../../pipeline/reporters/ndjson.ts";
import { PlainReporter } from "../../../pipeline/reporters/plain.ts";
import { CapturedOutput, eventsAt, FAILING_RUN } from "./fixture.ts";

Deno.test("PlainReporter writes one line for each event of interest", () => {
  const writer = new CapturedOutput(0);
  const reporter = new PlainReporter({ writer, color: false });
  FAILING_RUN.forEach((event) => reporter.receive(event));
  assert.deepEqual(writer.text.split("\n"), [
    "00:00  tiny, run 0007: 3 stages to run, 2 cached, about 2 min",
    "00:00  started  train/dpo@seed=1",
    "00:00  resumed  train/sft@seed=1",
    "00:02  warning  train/sft@seed=1: 3 rows cut",
    "00:02  log      train/sft@seed=1: step 3\\x1b[2J",
    "00:04  failed   train/sft@seed=1  after 3.9 s",
    "     Expected a finite loss",
    "     but found NaN.",
    "     last lines of its log:",
    "       3 rows cut",
    "       step 3\\x1b[2J",
    "00:12  finished train/dpo@seed=1  11.9 s",
    "00:12  skipped  compare: it needs train/sft@seed=1",
    "00:12  tiny: failed in 12.0 s, 1 stage ran, 2 cached, 1 failed (run 0007)",
    "",
  ]);
});

Deno.test("PlainReporter tells for whom a stage waits", () => {
  const writer = new CapturedOutput(0);
  const reporter = new PlainReporter({ writer, color: false });
  const waiting = { type: "stage-waiting" as const, id: "train", key: "" };
  const events = eventsAt([
    [0, { ...waiting, pid: 12, host: "a01\x1b[2J" }],
    [0, { ...waiting, pid: null, host: null }],
  ]);
  events.forEach((event) => reporter.receive(event));
  const lines = writer.text.split("\n").map((line) => line.replace(/^\S+ {2}/, ""));
  assert.deepEqual(lines, [
    "waiting  train: for process 12 on a01\\x1b[2J",
    "waiting  train: for another process",
    "",
  ]);
});

Deno.test("PlainReporter tells a stage's progress every 30 seconds", () => {
  const writer = new CapturedOutput(0);
  const reporter = new PlainReporter({ writer, color: false });
  const seconds = Array.from({ length: 70 }, (_, second) => second);
  const events = eventsAt([
    [0, { type: "stage-started", id: "train", key: "", pid: 1, resumed: false, reasons: [] }],
    ...seconds.map((second) =>
      [second * 1000, {
        type: "stage-progress" as const,
        id: "train",
        progress: { done: second, total: 70, unit: "steps" },
      }] as const
    ).map(([time, event]) => [time, event] as [number, typeof event]),
  ]);
  reporter.receive(
    eventsAt([[0, {
      type: "run-started",
      run: "1",
      recipe: "r",
      cached: 0,
      todo: 1,
      estimateSeconds: null,
    }]])[0],
  );
  events.forEach((event) => reporter.receive(event));
  assert.deepEqual(writer.text.trim().split("\n").slice(2), [
    "00:30  progress train  30/70 steps",
    "01:00  progress train  60/70 steps",
  ]);
});

Deno.test("PlainReporter colours only when told to", () => {
  const [plain, colored] = [false, true].map((color) => {
    const writer = new CapturedOutput(0);
    const reporter = new PlainReporter({ writer, color });
    FAILING_RUN.forEach((event) => reporter.receive(event));
    return writer.text;
  });
  assert.ok(!plain.includes("\x1b"));
  assert.ok(colored.includes("\x1b[31mfailed"));
});

Deno.test("NdjsonReporter writes every event as one line of JSON", () => {
  const writer = new CapturedOutput(0);
  const reporter = new NdjsonReporter(writer);
  FAILING_RUN.forEach((event) => reporter.receive(event));
  const lines = writer.text.trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line)), FAILING_RUN);
});
