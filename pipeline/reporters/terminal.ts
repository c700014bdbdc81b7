import type { EventSubscriber, RunEvent } from "../events.ts";
import { formatFailure, formatOutcome, type Palette, palette, type Writer } from "./output.ts";
import { pad, truncate } from "../../core/display_width.ts";
import { visibleText } from "../../core/visible_text.ts";
import { formatHolder } from "./holder.ts";
import { formatCount, formatEstimate, formatSeconds } from "./quantities.ts";
import { StageLogs } from "./stage_logs.ts";
import {
  rateOf,
  type RunningStage,
  runSecondsLeft,
  shareDone,
  stageSecondsLeft,
} from "./time_left.ts";

/** What a live display needs from the world around it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls an action again and again; returns what stops it. Must not keep the process alive. */
  every(milliseconds: number, action: () => void): () => void;
}

const REDRAW_MS = 100;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SHOWN_STAGES = 8;

/**
 * Shows a run live. Finished stages, warnings and failures stay as lines; below them the running stages,
 * each with its bar, rate and time left, and the whole run's progress are drawn again and again.
 */
export class TerminalReporter implements EventSubscriber {
  #writer: Writer;
  #colors: Palette;
  #clock: Clock;
  #logs = new StageLogs();
  #running = new Map<string, RunningStage>();
  /** What instances wait for that other processes compute. */
  #waiting = new Map<string, string>();
  #skipped: string[] = [];
  #run = { recipe: "", started: 0, todo: 0, cached: 0, estimate: null as number | null };
  #ended = 0;
  #cachedSeen = 0;
  #drawnLines = 0;
  #lastDraw = -Infinity;
  #stopTicking: (() => void) | null = null;

  constructor(options: { writer: Writer; color: boolean; clock: Clock }) {
    this.#writer = options.writer;
    this.#colors = palette(options);
    this.#clock = options.clock;
  }

  receive(event: RunEvent): void {
    this.#logs.receive(event);
    const lines = this.#update(event);
    if (lines.length === 0 && event.time - this.#lastDraw < REDRAW_MS) return;
    this.#draw(lines, event.time);
  }

  close(): void {
    this.#stopTicking?.();
    this.#stopTicking = null;
  }

  /** Takes an event in and gives the lines that it leaves for good. */
  #update(event: RunEvent): string[] {
    switch (event.type) {
      case "run-started":
        return this.#start(event);
      case "stage-started":
        this.#waiting.delete(event.id);
        this.#running.set(event.id, { id: event.id, started: event.time, first: null, last: null });
        return [];
      case "stage-waiting":
        this.#waiting.set(event.id, `waiting for ${formatHolder(event)}`);
        return [];
      case "stage-progress":
        this.#progress(event);
        return [];
      case "stage-step":
        return [];
      case "stage-log":
        return event.level === "warning" ? [this.#warning(event.id, event.message)] : [];
      case "stage-finished":
        this.#end(event.id);
        return [this.#line(this.#colors.green("✓"), event.id, formatSeconds(event.seconds))];
      case "stage-failed":
        this.#end(event.id);
        return [
          this.#line(
            this.#colors.red("✗"),
            event.id,
            `failed after ${formatSeconds(event.seconds)}`,
          ),
          ...formatFailure(event, this.#logs.of(event.id)),
        ];
      case "stage-skipped":
        this.#waiting.delete(event.id);
        this.#skipped.push(event.id);
        return [];
      case "run-finished":
        return this.#finish(event);
      case "stage-cached":
        this.#waiting.delete(event.id);
        this.#cachedSeen++;
        return [];
    }
  }

  #start(event: Extract<RunEvent, { type: "run-started" }>): string[] {
    const { recipe, todo, cached, estimateSeconds } = event;
    this.#run = { recipe, started: event.time, todo, cached, estimate: estimateSeconds };
    if (todo === 0) return [];
    this.#stopTicking ??= this.#clock.every(REDRAW_MS, () => this.#draw([], this.#clock.now()));
    const parts = [`run ${event.run}`, `${formatCount(todo, "stage")} to run`];
    if (cached > 0) parts.push(`${cached} cached`);
    if (estimateSeconds !== null) parts.push(`about ${formatEstimate(estimateSeconds)}`);
    return [
      `${this.#colors.bold(visibleText(recipe))} ${this.#colors.dim(`· ${parts.join(" · ")}`)}`,
    ];
  }

  #progress({ id, time, progress }: Extract<RunEvent, { type: "stage-progress" }>): void {
    const stage = this.#running.get(id);
    if (stage === undefined) return;
    const first = stage.first ?? { time, done: progress.done };
    this.#running.set(id, { ...stage, first, last: { time, progress } });
  }

  #end(id: string): void {
    this.#waiting.delete(id);
    this.#running.delete(id);
    this.#ended++;
  }

  #finish(event: Extract<RunEvent, { type: "run-finished" }>): string[] {
    this.close();
    this.#running.clear();
    this.#run.todo = 0;
    const lines = this.#skipped.length === 0 ? [] : [
      this.#line(
        this.#colors.dim("−"),
        `${formatCount(this.#skipped.length, "stage")} not run`,
        "",
      ),
    ];
    const outcome = formatOutcome(event, this.#run.recipe);
    const paint = { done: "green", failed: "red", interrupted: "yellow" } as const;
    return [...lines, this.#colors[paint[event.status]](outcome)];
  }

  #line(mark: string, id: string, text: string): string {
    return ` ${mark} ${pad(visibleText(id), this.#idColumns())}  ${this.#colors.dim(text)}`
      .trimEnd();
  }

  #warning(id: string, message: string): string {
    return ` ${this.#colors.yellow("!")} ${visibleText(id)}: ${visibleText(message)}`;
  }

  #idColumns(): number {
    return Math.min(36, Math.max(8, this.#writer.columns() - 50));
  }

  #draw(lines: readonly string[], now: number): void {
    const live = this.#run.todo === 0 ? [] : this.#live(now);
    const up = this.#drawnLines === 0 ? "" : `\x1b[${this.#drawnLines}A\r\x1b[J`;
    const text = [...lines, ...live].map((line) => `${line}\n`).join("");
    if (up + text !== "") this.#writer.write(up + text);
    this.#drawnLines = live.length;
    this.#lastDraw = now;
  }

  #live(now: number): string[] {
    const stages = [...this.#running.values()];
    const lines = stages.slice(0, SHOWN_STAGES).map((stage) => this.#stageLine(stage, now));
    if (stages.length > SHOWN_STAGES) lines.push(`   and ${stages.length - SHOWN_STAGES} more`);
    const waiting = [...this.#waiting].slice(0, SHOWN_STAGES).map(([id, text]) =>
      this.#waitingLine(id, text)
    );
    return [...lines, ...waiting, this.#runLine(stages, now)];
  }

  #stageLine(stage: RunningStage, now: number): string {
    const spinner = SPINNER[Math.floor(now / REDRAW_MS) % SPINNER.length];
    const id = pad(truncate(visibleText(stage.id), this.#idColumns()), this.#idColumns());
    const parts: string[] = [];
    if (stage.last === null) parts.push(formatSeconds((now - stage.started) / 1000));
    else {
      const { done, total, unit, note } = stage.last.progress;
      parts.push(`${done}/${total} ${visibleText(unit)}`);
      const rate = rateOf(stage);
      if (rate !== null) parts.push(`${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`);
      const left = stageSecondsLeft(stage, now);
      if (left !== null) parts.push(`${formatEstimate(left)} left`);
      if (note !== undefined) parts.push(visibleText(note));
    }
    const bar = stage.last === null ? "" : `${this.#bar(shareDone(stage))} `;
    const used = 3 + this.#idColumns() + 2 + (stage.last === null ? 0 : this.#barColumns() + 1);
    const text = truncate(parts.join(" · "), this.#writer.columns() - used - 1);
    return ` ${this.#colors.cyan(spinner)} ${id}  ${bar}${this.#colors.dim(text)}`;
  }

  #waitingLine(id: string, text: string): string {
    const columns = this.#idColumns();
    const left = this.#writer.columns() - columns - 6;
    const { dim } = this.#colors;
    return ` ${dim("…")} ${pad(truncate(visibleText(id), columns), columns)}  ${
      dim(truncate(text, left))
    }`;
  }

  #runLine(stages: readonly RunningStage[], now: number): string {
    const { started, estimate } = this.#run;
    const todo = this.#todoNow();
    const done = stages.reduce((sum, stage) => sum + shareDone(stage), this.#ended);
    const share = todo === 0 ? 1 : Math.min(1, done / todo);
    const elapsed = Math.max(0, (now - started) / 1000);
    const running = stages.map((stage) => stageSecondsLeft(stage, now));
    const left = runSecondsLeft({ share, elapsed, estimate, running });
    const parts = [`${this.#ended}/${todo}`, formatSeconds(elapsed)];
    if (left !== null && share < 1) parts.push(`about ${formatEstimate(left)} left`);
    const text = truncate(parts.join(" · "), this.#writer.columns() - this.#barColumns() - 5);
    return ` ${this.#bar(share)}  ${text}`;
  }

  #bar(share: number): string {
    const columns = this.#barColumns();
    const filled = Math.floor(share * columns);
    const { green, dim } = this.#colors;
    return green("━".repeat(filled)) + dim("─".repeat(columns - filled));
  }

  #barColumns(): number {
    const columns = this.#writer.columns();
    return columns < 50 ? 0 : Math.min(20, Math.floor(columns / 8));
  }

  /** Fewer than planned when a re-run stage gave equal bytes, so that what follows it is cached. */
  #todoNow(): number {
    const { todo, cached } = this.#run;
    return todo + cached - Math.max(cached, this.#cachedSeen);
  }
}
