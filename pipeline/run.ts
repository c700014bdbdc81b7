import { Attempt, type AttemptContext, type AttemptResult } from "./attempt.ts";
import type { EventSubscriber, RunEvent } from "./events.ts";
import type { WorkerMessage } from "./executor.ts";
import { sizesOf } from "./forecast.ts";
import { prerequisitesOf } from "./graph.ts";
import type { Instance } from "./instance.ts";
import { completeRecord, planInstance, type PlannedInstance } from "./plan.ts";
import { criticalSeconds, estimateWallSeconds, reservationOf } from "./schedule.ts";
import { HeldLeases } from "./store/lease.ts";
import type { LeaseHolder } from "./store/lease_file.ts";
import type { KeyRecord, RunHeader, RunInstance } from "./store/records.ts";
import type { ActiveRun } from "./store/run_log.ts";

/** What a run needs beside what planning and attempts need. */
export interface RunContext extends Omit<AttemptContext, "records" | "run" | "lost"> {
  readonly subscribers: readonly EventSubscriber[];
  readonly header: RunHeader;
  /** What may be run; the rest must be cached. */
  readonly runnable: ReadonlySet<string>;
  /** First Ctrl-C: start nothing more, stop at the next safe point. */
  readonly stop: AbortSignal;
  /** Second Ctrl-C: end at once. */
  readonly kill: AbortSignal;
  /** Puts instances that could start into the order to start them; by default the longest chain first. */
  readonly arrange?: (ready: PlannedInstance[]) => PlannedInstance[];
}

/** How a run ended. */
export interface RunResult {
  readonly run: string;
  readonly status: "done" | "failed" | "interrupted";
  readonly ran: readonly string[];
  readonly cached: readonly string[];
  readonly failed: readonly { readonly id: string; readonly error: string }[];
  /** The record of every instance that has a result, by id. */
  readonly records: ReadonlyMap<string, KeyRecord>;
  readonly seconds: number;
}

/**
 * Runs a plan: one loop over what is ready, until nothing is. The caller has shared the store since before
 * it planned. Others may run beside it: what one of them computes is waited for, and then found in the
 * store. Others may remove what it does not use from when it has begun.
 */
export async function runPlan(
  planned: readonly PlannedInstance[],
  context: RunContext,
): Promise<RunResult> {
  using active = await context.store.startRun(context.header);
  context.share.use(planned.flatMap(({ key, record }) => record === null ? [] : [key!]));
  context.share.letRemove();
  return await new RunLoop(planned, context, active).run();
}

class RunLoop {
  #waiting: Map<string, PlannedInstance>;
  #running = new Map<string, { attempt: Attempt; key: string; ended: Promise<void> }>();
  /** Instances that wait for another process, by whom. */
  #elsewhere = new Map<string, string>();
  /** Instances that wait for another one with the same key: they are planned anew after it. */
  #twins = new Set<string>();
  #records = new Map<string, KeyRecord>();
  #outcomes = new Map<string, RunInstance>();
  #failed: { id: string; error: string }[] = [];
  #priority: Map<string, number>;
  readonly #started: number;

  constructor(
    private readonly planned: readonly PlannedInstance[],
    private readonly context: RunContext,
    private readonly active: ActiveRun,
  ) {
    this.#waiting = new Map(planned.map((one) => [one.instance.id, one]));
    this.#priority = criticalSeconds(planned);
    this.#started = context.now();
  }

  async run(): Promise<RunResult> {
    const { stop, kill, executor } = this.context;
    const todo = this.planned.filter(({ state }) => state !== "cached").length;
    this.#emit({
      type: "run-started",
      run: this.active.id,
      recipe: this.context.recipe,
      cached: this.planned.length - todo,
      todo,
      estimateSeconds: estimateWallSeconds(this.planned, executor.capacity.cores),
    });
    const stopAll = () => this.#running.forEach(({ attempt }) => attempt.stop());
    const killAll = () => this.#running.forEach(({ attempt }) => attempt.kill());
    stop.addEventListener("abort", stopAll);
    kill.addEventListener("abort", killAll);
    try {
      for (;;) {
        await this.#startReady();
        const waits = this.#elsewhere.size > 0 && !stop.aborted;
        if (this.#running.size === 0 && !waits) return await this.#finish();
        await this.#nextChange(waits);
      }
    } finally {
      stop.removeEventListener("abort", stopAll);
      kill.removeEventListener("abort", killAll);
      killAll(); // only after an error of our own is there anything left to end
      await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended));
    }
  }

  /** Until an attempt ends or, where other processes are waited for, it is time to look again. */
  async #nextChange(waits: boolean): Promise<void> {
    const look = Promise.withResolvers<void>();
    const timer = waits ? setTimeout(look.resolve, LOOK_AGAIN_MS) : undefined;
    try {
      const ends = [...this.#running.values()].map(({ ended }) => ended);
      await Promise.race([...ends, look.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Settles what is cached or cannot run, and starts what fits. */
  async #startReady(): Promise<void> {
    for (let settled = true; settled;) {
      settled = false;
      for (const one of this.#arranged()) {
        if (this.context.stop.aborted) return;
        if (await this.#settle(one)) settled = true;
      }
    }
  }

  #arranged(): PlannedInstance[] {
    const known = (id: string) => this.#records.has(id);
    const ready = [...this.#waiting.values()].filter(({ instance }) =>
      prerequisitesOf(instance).every(known)
    );
    const arrange = this.context.arrange ??
      ((list: PlannedInstance[]) => list.sort((a, b) => this.#urgency(b) - this.#urgency(a)));
    return arrange(ready);
  }

  #urgency({ instance }: PlannedInstance): number {
    return this.#priority.get(instance.id) ?? 0;
  }

  /** True when other instances may have become ready. */
  async #settle(one: PlannedInstance): Promise<boolean> {
    const { id } = one.instance;
    const unplanned = one.key === null || this.#twins.delete(id);
    const fresh = unplanned ? await this.#planAnew(one.instance) : one;
    this.#waiting.set(id, fresh);
    if (fresh.record !== null) {
      this.#waiting.delete(id);
      await this.#settleCached(fresh, fresh.record);
      return true;
    }
    if (!this.context.runnable.has(id)) {
      this.#waiting.delete(id);
      this.#fail(fresh, 0, `${id} has no current result and was not selected to run.`);
      return false;
    }
    if ([...this.#running.values()].some(({ key }) => key === fresh.key)) this.#twins.add(id);
    else if (this.#fits(fresh)) return await this.#begin(fresh);
    return false;
  }

  /**
   * Starts an instance, unless another process is at its key or has been meanwhile.
   * @returns true when it turned out to be there
   */
  async #begin(one: PlannedInstance): Promise<boolean> {
    const { id } = one.instance;
    const { store, now, share } = this.context;
    const key = one.key!;
    const turns = reservationOf(one).turns.map((turn) => `turn-${turn}`);
    const { held, record } = await share.keep(async () => {
      const held = await store.leases.takeAll([key, ...turns], now());
      const { stage } = one.instance;
      return {
        held,
        record: held instanceof HeldLeases ? completeRecord(store, key, stage) : null,
      };
    }, ({ record }) => record === null ? [] : [key]);
    if (!(held instanceof HeldLeases)) {
      this.#waitFor(one, held);
      return false;
    }
    this.#elsewhere.delete(id);
    this.#waiting.delete(id);
    if (record === null) await this.#start(one, held);
    else {
      held.release();
      await this.#settleCached(one, record);
    }
    return record !== null;
  }

  #waitFor({ instance: { id }, key }: PlannedInstance, { pid, host }: LeaseHolder): void {
    const holder = `${pid} ${host}`;
    if (this.#elsewhere.get(id) === holder) return;
    this.#elsewhere.set(id, holder);
    this.#emit({ type: "stage-waiting", id, key: key!, pid, host });
  }

  #planAnew(instance: Instance): Promise<PlannedInstance> {
    const results = [...this.#records].map(([id, { outputs }]) => [id, outputs] as const);
    const foreseen = this.planned.map(({ instance, forecast }) =>
      [
        instance.id,
        { ...forecast.outputs, ...sizesOf(this.#records.get(instance.id)?.outputs) },
      ] as const
    );
    const place = { known: new Map(results), sizes: new Map(foreseen) };
    return this.context.share.keep(
      () => planInstance(instance, place, this.context),
      ({ key, record }) => record === null ? [] : [key!],
    );
  }

  async #settleCached({ instance, key }: PlannedInstance, record: KeyRecord): Promise<void> {
    this.#records.set(instance.id, record);
    this.#note(instance, key, "cached", null);
    await this.context.store.writeInstance(this.context.recipe, {
      instance: instance.id,
      key: key!,
    });
    this.#emit({ type: "stage-cached", id: instance.id, key: key! });
  }

  #fits(one: PlannedInstance): boolean {
    const { capacity } = this.context.executor;
    const wanted = reservationOf(one);
    const used = [...this.#running.values()].map(({ attempt }) => attempt.reserved);
    if (used.length === 0) return true; // larger than the machine: alone, rather than never
    if (used.some(({ turns }) => turns.some((turn) => wanted.turns.includes(turn)))) return false;
    const cores = used.reduce((sum, one) => sum + one.cores, wanted.cores);
    const memory = used.reduce((sum, one) => sum + one.memory, wanted.memory);
    return cores <= capacity.cores && memory <= capacity.memory;
  }

  async #start(one: PlannedInstance, held: HeldLeases): Promise<void> {
    const { instance, reasons } = one;
    const { id } = instance;
    const key = one.key!;
    const { store, stop, kill } = this.context;
    const { lost, unseen } = held;
    const resumed = store.hasScratch(key);
    let attempt: Attempt;
    try {
      const context = { ...this.context, records: this.#records, run: this.active.id, lost };
      attempt = await Attempt.start(one, context, (message) => this.#tell(id, message));
    } catch (error) {
      held.release();
      if (lost.aborted) return this.#giveWay(one, String(lost.reason));
      return this.#fail(one, 0, error instanceof Error ? error.message : String(error));
    }
    lost.addEventListener("abort", () => attempt.kill());
    const ended = attempt.result.then((result) => {
      held.release();
      if (result.status === "stopped" && lost.aborted) this.#giveWay(one, String(lost.reason));
      else this.#end(one, result);
      this.#running.delete(id);
    });
    ended.catch(() => {}); // stays among the running ones, where the loop meets it
    this.#running.set(id, { attempt, key, ended });
    if (stop.aborted) attempt.stop();
    if (kill.aborted || lost.aborted) attempt.kill();
    this.#emit({ type: "stage-started", id, key, pid: attempt.pid, resumed, reasons });
    if (unseen !== null) this.#warn(id, unseen);
  }

  #tell(id: string, message: WorkerMessage): void {
    if (message.type === "progress") {
      this.#emit({ type: "stage-progress", id, progress: message.progress });
    } else if (message.type === "step") {
      this.#emit({ type: "stage-step", id, figures: message.figures });
    } else {
      this.#emit({ type: "stage-log", id, level: message.level, message: message.message });
    }
  }

  /** Its lease was lost: it waits for whoever has it, or takes it anew. */
  #giveWay(one: PlannedInstance, because: string): void {
    this.#waiting.set(one.instance.id, one);
    this.#elsewhere.set(one.instance.id, ""); // by whom is seen when it is asked for again
    this.#warn(one.instance.id, because);
  }

  #warn(id: string, message: string): void {
    this.#emit({ type: "stage-log", id, level: "warning", message });
  }

  #end(one: PlannedInstance, result: AttemptResult): void {
    const { instance, key } = one;
    if (result.status === "failed") return this.#fail(one, result.seconds, result.error);
    if (result.status === "stopped") {
      if (this.context.stop.aborted) this.#waiting.set(instance.id, one);
      else this.#fail(one, result.seconds, "The worker was stopped from outside.");
      return;
    }
    const { record } = result;
    this.#records.set(instance.id, record);
    this.#note(instance, key, "ran", record.seconds);
    const { seconds, peakMemoryBytes, outputs } = record;
    const { id } = instance;
    this.#emit({ type: "stage-finished", id, key: record.key, seconds, peakMemoryBytes, outputs });
  }

  #fail({ instance, key }: PlannedInstance, seconds: number, error: string): void {
    this.#failed.push({ id: instance.id, error });
    this.#note(instance, key, "failed", seconds);
    this.#emit({ type: "stage-failed", id: instance.id, key: key ?? "", seconds, error });
  }

  #note(
    instance: Instance,
    key: string | null,
    state: RunInstance["state"],
    seconds: number | null,
  ) {
    const { id, stage } = instance;
    this.#outcomes.set(id, { id, stage: stage.name, key, state, seconds });
  }

  async #finish(): Promise<RunResult> {
    const interrupted = this.context.stop.aborted;
    for (const { instance } of this.#waiting.values()) {
      const missing = prerequisitesOf(instance).filter((id) => !this.#records.has(id));
      const because = interrupted ? "interrupted" : `it needs ${missing.join(", ")}`;
      this.#note(instance, null, "skipped", null);
      this.#emit({ type: "stage-skipped", id: instance.id, because });
    }
    const done = this.#records.size === this.planned.length;
    const status = done ? "done" : interrupted ? "interrupted" : "failed";
    const seconds = (this.context.now() - this.#started) / 1000;
    const named = (state: RunInstance["state"]) =>
      [...this.#outcomes.values()].filter((one) => one.state === state).map(({ id }) => id);
    const [ran, cached] = [named("ran"), named("cached")];
    const counts = { ran: ran.length, cached: cached.length, failed: this.#failed.length };
    this.#emit({ type: "run-finished", run: this.active.id, status, ...counts, seconds });
    const finishedAt = new Date(this.context.now()).toISOString();
    const instances = [...this.#outcomes.values()];
    await this.active.finish({ status, finishedAt, seconds, instances });
    for (const subscriber of this.context.subscribers) await subscriber.close?.();
    const records = this.#records;
    return { run: this.active.id, status, ran, cached, failed: this.#failed, records, seconds };
  }

  #emit(event: WithoutTime<RunEvent>): void {
    const stamped = { time: this.context.now(), ...event } as RunEvent;
    this.active.append(stamped);
    for (const subscriber of this.context.subscribers) subscriber.receive(stamped);
  }
}

/** How often it is asked whether what other processes compute is there. */
const LOOK_AGAIN_MS = 250;

type WithoutTime<T> = T extends unknown ? Omit<T, "time"> : never;
