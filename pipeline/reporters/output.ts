import picocolors from "picocolors";
import type { RunEvent } from "../events.ts";
import { visibleText } from "../../core/visible_text.ts";
import { formatCount, formatSeconds } from "./quantities.ts";

/** Where a reporter writes: a terminal, a file, a test's list. */
export interface Writer {
  write(text: string): void;
  /** Columns of the terminal; 0 when it is none. */
  columns(): number;
}

/** The colours that reporters use; every function returns its text unchanged when colour is off. */
export type Palette = ReturnType<typeof picocolors.createColors>;

/** Colours, or none. */
export function palette(options: { color: boolean }): Palette {
  return picocolors.createColors(options.color);
}

/** What a failed stage left: the error in full and the last lines of its log, indented. */
export function formatFailure(
  event: Extract<RunEvent, { type: "stage-failed" }>,
  log: readonly string[],
): string[] {
  const error = visibleText(event.error.trimEnd(), { keepLines: true }).split("\n");
  const lines = error.map((line) => `     ${line}`);
  if (log.length > 0) {
    lines.push(
      "     last lines of its log:",
      ...log.map((line) => `       ${line}`),
    );
  }
  return lines;
}

/** One sentence on how a run ended. */
export function formatOutcome(
  event: Extract<RunEvent, { type: "run-finished" }>,
  recipe: string,
): string {
  const name = visibleText(recipe);
  const time = formatSeconds(event.seconds);
  if (event.status === "done" && event.ran === 0) {
    return `${name}: nothing to do, ${formatCount(event.cached, "stage")} cached (${time})`;
  }
  const counts = [`${formatCount(event.ran, "stage")} ran`, `${event.cached} cached`];
  if (event.failed > 0) counts.push(`${event.failed} failed`);
  const end = { done: "done", failed: "failed", interrupted: "interrupted" }[event.status];
  return `${name}: ${end} in ${time}, ${counts.join(", ")} (run ${event.run})`;
}
