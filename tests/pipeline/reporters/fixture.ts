import type { RunEvent } from "../../../pipeline/events.ts";
import type { Writer } from "../../../pipeline/reporters/output.ts";

/** A writer that keeps what it is given. */
export class CapturedOutput implements Writer {
  text = "";
  constructor(readonly width: number) {}

  write(text: string): void {
    this.text += text;
  }

  columns(): number {
    return this.width;
  }

  /** The lines a terminal would show in the end: cursor-up, carriage return and clear are obeyed. */
  screen(): string[] {
    const lines: string[] = [];
    // deno-lint-ignore no-control-regex
    const steps = this.text.matchAll(/\x1b\[(\d+)A\r\x1b\[J|([^\n\x1b]*)\n/g);
    for (const [, up, line] of steps) {
      if (up !== undefined) lines.splice(lines.length - Number(up));
      else lines.push(line);
    }
    return lines;
  }
}

type WithoutTime<T> = T extends unknown ? Omit<T, "time"> : never;

/** Events of a run, each with its time in milliseconds since the run's start. */
export function eventsAt(list: readonly [number, WithoutTime<RunEvent>][]): RunEvent[] {
  return list.map(([time, event]) => ({ time: 1_000_000 + time, ...event }) as RunEvent);
}

/** A run with a warning, a failure and what follows from it. */
export const FAILING_RUN: RunEvent[] = eventsAt([
  [0, {
    type: "run-started",
    run: "0007",
    recipe: "tiny",
    cached: 2,
    todo: 3,
    estimateSeconds: 100,
  }],
  [0, { type: "stage-cached", id: "world@seed=1", key: "a" }],
  [1, { type: "stage-cached", id: "initialize@seed=1", key: "b" }],
  [5, {
    type: "stage-started",
    id: "train/dpo@seed=1",
    key: "c",
    pid: 1,
    resumed: false,
    reasons: [],
  }],
  [6, {
    type: "stage-started",
    id: "train/sft@seed=1",
    key: "d",
    pid: 2,
    resumed: true,
    reasons: [],
  }],
  [1000, {
    type: "stage-progress",
    id: "train/dpo@seed=1",
    progress: { done: 10, total: 480, unit: "steps", note: "loss 0.69" },
  }],
  [2000, { type: "stage-log", id: "train/sft@seed=1", level: "warning", message: "3 rows cut" }],
  [2500, { type: "stage-log", id: "train/sft@seed=1", level: "info", message: "step 3\u001b[2J" }],
  [3000, {
    type: "stage-progress",
    id: "train/dpo@seed=1",
    progress: { done: 90, total: 480, unit: "steps", note: "loss 0.52" },
  }],
  [4000, {
    type: "stage-failed",
    id: "train/sft@seed=1",
    key: "d",
    seconds: 3.9,
    error: "Expected a finite loss\nbut found NaN.",
  }],
  [12000, {
    type: "stage-finished",
    id: "train/dpo@seed=1",
    key: "c",
    seconds: 11.9,
    peakMemoryBytes: 1,
    outputs: {},
  }],
  [12001, { type: "stage-skipped", id: "compare", because: "it needs train/sft@seed=1" }],
  [12002, {
    type: "run-finished",
    run: "0007",
    status: "failed",
    ran: 1,
    cached: 2,
    failed: 1,
    seconds: 12,
  }],
]);
