import {
  type RunningStage,
  runSecondsLeft,
  shareDone,
  stageSecondsLeft,
} from "../../pipeline/reporters/time_left.ts";
import { formatHolder } from "../../pipeline/reporters/holder.ts";
import type { SeenEvent, SeenRecord } from "./seen.ts";
import { StepCurve } from "./step_curve.ts";

/** What became of a stage so far. */
export type StageStanding = "waiting" | "running" | "ran" | "cached" | "failed" | "skipped";

/** A stage of a run as a page shows it. */
export interface StageView {
  readonly id: string;
  readonly standing: StageStanding;
  readonly seconds: number | null;
  /** Why it failed or was not run, or for whom it waits. */
  readonly why: string;
  /** How far it is, while it runs. */
  readonly running: RunningStage | null;
}

/** A line that a stage wrote for a person. */
export interface LogLine {
  readonly id: string;
  readonly level: "info" | "warning";
  readonly message: string;
}

/** How a run ended, and when (milliseconds since the epoch). */
export interface Outcome {
  readonly status: "done" | "failed" | "interrupted";
  readonly seconds: number;
  readonly time: number;
}

/** What is kept of a run at most, however long its log is. */
export const LIMITS = { stages: 2000, curves: 128, logLines: 200, characters: 4000 } as const;

/** Where a run stands: its events folded into a view of bounded size. */
export class RunState {
  #stages = new Map<string, StageView>();
  #curves = new Map<string, StepCurve>();
  #log: LogLine[] = [];
  #todo = 0;
  #cached = 0;
  #estimate: number | null = null;
  #started: number | null = null;
  #lastWord: number | null = null;
  #outcome: Outcome | null = null;

  /** @param ids the stages that the run was to settle, in order */
  constructor(ids: readonly string[]) {
    for (const id of ids) this.#set(id, { standing: "waiting" });
  }

  get stages(): StageView[] {
    return [...this.#stages.values()];
  }

  /** Curves of the stages that train, by stage. */
  get curves(): ReadonlyMap<string, StepCurve> {
    return this.#curves;
  }

  /** The last lines, oldest first. */
  get log(): readonly LogLine[] {
    return this.#log;
  }

  get outcome(): Outcome | null {
    return this.#outcome;
  }

  /** When the last event was written, in milliseconds since the epoch. */
  get lastWord(): number | null {
    return this.#lastWord;
  }

  /** How many stages stand so. */
  count(standing: StageStanding): number {
    return this.stages.filter((stage) => stage.standing === standing).length;
  }

  /** Takes the next event. */
  receive(event: SeenEvent): void {
    this.#lastWord = event.time;
    switch (event.type) {
      case "run-started":
        this.#started = event.time;
        this.#todo = event.todo;
        this.#cached = event.cached;
        this.#estimate = event.estimateSeconds;
        return;
      case "stage-cached":
        return this.#set(event.id, { standing: "cached" });
      case "stage-waiting":
        return this.#set(event.id, { standing: "waiting", why: `for ${formatHolder(event)}` });
      case "stage-started": {
        const running = { id: event.id, started: event.time, first: null, last: null };
        return this.#set(event.id, { standing: "running", running });
      }
      case "stage-progress":
        return this.#progress(event);
      case "stage-step":
        return this.#step(event);
      case "stage-log":
        this.#log.push({ ...event, message: cut(event.message) });
        if (this.#log.length > LIMITS.logLines) this.#log.shift();
        return;
      case "stage-finished":
        return this.#set(event.id, { standing: "ran", seconds: event.seconds });
      case "stage-failed": {
        const { id, seconds, error } = event;
        return this.#set(id, { standing: "failed", seconds, why: cut(error) });
      }
      case "stage-skipped":
        return this.#set(event.id, { standing: "skipped", why: cut(event.because) });
      case "run-finished":
        this.#outcome = event;
    }
  }

  /** Takes from the record what the events do not tell, such as when their file is lost. */
  complete(record: SeenRecord): void {
    for (const { id, state, seconds } of record.instances) {
      const known = this.#stages.get(id)?.standing;
      if (known === undefined || known === "waiting") this.#set(id, { standing: state, seconds });
    }
  }

  /** Share of the work that is done, 0 to 1: stages, and parts of those that run. */
  get share(): number {
    const { todo } = this;
    if (todo === 0) return 1;
    const parts = this.stages.map(({ standing, running }) =>
      standing === "ran" || standing === "failed" ? 1 : running === null ? 0 : shareDone(running)
    );
    return Math.min(1, parts.reduce((sum, part) => sum + part, 0) / todo);
  }

  /** Stages to run: fewer than planned when a re-run stage gave equal bytes, so that others are cached. */
  get todo(): number {
    return this.#todo + this.#cached - Math.max(this.#cached, this.count("cached"));
  }

  /** Seconds since the run began; null before. */
  elapsed(now: number): number | null {
    return this.#started === null ? null : Math.max(0, (now - this.#started) / 1000);
  }

  /** Seconds until it is done, by the plan's estimate and by what it took so far; null for unknown. */
  secondsLeft(now: number): number | null {
    const elapsed = this.elapsed(now);
    if (elapsed === null || this.#outcome !== null) return null;
    const running = this.stages.map(({ running }) =>
      running === null ? null : stageSecondsLeft(running, now)
    );
    return runSecondsLeft({ share: this.share, elapsed, estimate: this.#estimate, running });
  }

  #progress({ id, time, progress }: Extract<SeenEvent, { type: "stage-progress" }>): void {
    const running = this.#stages.get(id)?.running;
    if (!running) return;
    const first = running.first ?? { time, done: progress.done };
    const texts = { unit: cut(progress.unit), note: progress.note && cut(progress.note) };
    const last = { time, progress: { ...progress, ...texts } };
    this.#set(id, { standing: "running", running: { ...running, first, last } });
  }

  #step({ id, figures }: Extract<SeenEvent, { type: "stage-step" }>): void {
    let curve = this.#curves.get(id);
    if (curve === undefined) {
      if (this.#curves.size >= LIMITS.curves) return;
      this.#curves.set(id, curve = new StepCurve());
    }
    curve.add(figures);
  }

  #set(id: string, view: Pick<StageView, "standing"> & Partial<StageView>): void {
    if (!this.#stages.has(id) && this.#stages.size >= LIMITS.stages) return;
    this.#stages.set(id, { seconds: null, why: "", running: null, ...view, id });
  }
}

function cut(text: string): string {
  return text.length <= LIMITS.characters ? text : `${text.slice(0, LIMITS.characters)} …`;
}
