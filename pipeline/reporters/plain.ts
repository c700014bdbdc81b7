import type { EventSubscriber, RunEvent } from "../events.ts";
import { formatFailure, formatOutcome, type Palette, palette, type Writer } from "./output.ts";
import { visibleText } from "../../core/visible_text.ts";
import { formatHolder } from "./holder.ts";
import { formatClock, formatCount, formatEstimate, formatSeconds } from "./quantities.ts";
import { StageLogs } from "./stage_logs.ts";

const PROGRESS_EVERY_MS = 30_000;

/**
 * One line for each event of interest, with the time since the run began: for logs, pipes and CI.
 * A stage says how far it is at most every 30 seconds; cached stages are only counted.
 */
export class PlainReporter implements EventSubscriber {
  #writer: Writer;
  #colors: Palette;
  #logs = new StageLogs();
  #recipe = "";
  #start = 0;
  #lastProgress = new Map<string, number>();

  constructor(options: { writer: Writer; color: boolean }) {
    this.#writer = options.writer;
    this.#colors = palette(options);
  }

  receive(event: RunEvent): void {
    if (event.type === "run-started") {
      this.#recipe = event.recipe;
      this.#start = event.time;
    }
    if (event.type === "stage-started") this.#lastProgress.set(event.id, event.time);
    this.#logs.receive(event);
    const lines = this.#describe(event);
    if (lines.length === 0) return;
    const clock = this.#colors.dim(formatClock(event.time - this.#start));
    this.#writer.write(`${clock}  ${lines.join("\n")}\n`);
  }

  #describe(event: RunEvent): string[] {
    const { green, red, yellow } = this.#colors;
    const id = "id" in event ? visibleText(event.id) : "";
    switch (event.type) {
      case "run-started": {
        const todo = `${formatCount(event.todo, "stage")} to run, ${event.cached} cached`;
        const left = event.estimateSeconds === null || event.todo === 0
          ? ""
          : `, about ${formatEstimate(event.estimateSeconds)}`;
        return [`${visibleText(event.recipe)}, run ${event.run}: ${todo}${left}`];
      }
      case "stage-started":
        return [`${event.resumed ? "resumed " : "started "} ${id}`];
      case "stage-waiting":
        return [`waiting  ${id}: for ${formatHolder(event)}`];
      case "stage-progress":
        return this.#progress(event, id);
      case "stage-log": {
        const text = visibleText(event.message);
        return [
          event.level === "warning"
            ? `${yellow("warning ")} ${id}: ${text}`
            : `log      ${id}: ${text}`,
        ];
      }
      case "stage-finished":
        return [`${green("finished")} ${id}  ${formatSeconds(event.seconds)}`];
      case "stage-failed":
        return [
          `${red("failed  ")} ${id}  after ${formatSeconds(event.seconds)}`,
          ...formatFailure(event, this.#logs.of(event.id)),
        ];
      case "stage-skipped":
        return [`skipped  ${id}: ${visibleText(event.because)}`];
      case "run-finished":
        return [formatOutcome(event, this.#recipe)];
      case "stage-step":
      case "stage-cached":
        return [];
    }
  }

  #progress(event: Extract<RunEvent, { type: "stage-progress" }>, id: string): string[] {
    const last = this.#lastProgress.get(event.id) ?? -Infinity;
    if (event.time - last < PROGRESS_EVERY_MS) return [];
    this.#lastProgress.set(event.id, event.time);
    const { done, total, unit, note } = event.progress;
    const extra = note === undefined ? "" : `, ${visibleText(note)}`;
    return [`progress ${id}  ${done}/${total} ${visibleText(unit)}${extra}`];
  }
}
