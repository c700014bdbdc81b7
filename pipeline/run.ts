import { join } from "node:path";
import { InputError } from "../core/problem.ts";
import type { EventSubscriber, OutputRecord, RunEvent } from "./events.ts";
import type { Executor, JobResult, RunningJob, StageJob } from "./executor.ts";
import { upstreamOf } from "./graph.ts";
import type { Instance } from "./instance.ts";
import { type PlanContext, planInstance, type PlannedInstance } from "./plan.ts";
import { criticalSeconds, estimateWallSeconds } from "./schedule.ts";
import type { InputArtifact, Resources } from "./stage.ts";
import type { Host, KeyRecord, RunHeader, RunInstance } from "./store/records.ts";
import type { ActiveRun } from "./store/run_log.ts";
import { removeTree } from "./store/store.ts";

/** What a run needs beside what planning needs. */
export interface RunContext extends PlanContext {
  readonly executor: Executor;
  /** URL of the module that exports `artifactTypes`. */
  readonly artifactTypes: string;
  readonly subscribers: readonly EventSubscriber[];
  readonly header: RunHeader;
  readonly host: Host;
  /** What may be run; the rest must be cached. */
  readonly runnable: ReadonlySet<string>;
  /** First Ctrl-C: start nothing more, stop at the next safe point. */
  readonly stop: AbortSignal;
  /** Second Ctrl-C: end at once. */
  readonly kill: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
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

/** Runs a plan: one loop over what is ready, until nothing is. The store must be locked by the caller. */
export async function runPlan(
  planned: readonly PlannedInstance[],
  context: RunContext,
): Promise<RunResult> {
  const active = await context.store.startRun(context.header);
  return await new RunLoop(planned, context, active).run();
}

class RunLoop {
  #waiting: Map<string, PlannedInstance>;
  #running = new Map<string, { job: RunningJob; resources: Resources; ended: Promise<void> }>();
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
    const stopAll = () => this.#running.forEach(({ job }) => job.stop());
    const killAll = () => this.#running.forEach(({ job }) => job.kill());
    stop.addEventListener("abort", stopAll);
    kill.addEventListener("abort", killAll);
    for (;;) {
      if (!stop.aborted) await this.#startReady();
      if (this.#running.size === 0) break;
      await Promise.race([...this.#running.values()].map(({ ended }) => ended));
    }
    stop.removeEventListener("abort", stopAll);
    kill.removeEventListener("abort", killAll);
    return await this.#finish();
  }

  /** Settles what is cached or cannot run, and starts what fits. */
  async #startReady(): Promise<void> {
    for (let settled = true; settled;) {
      settled = false;
      for (const one of this.#arranged()) {
        if (await this.#settle(one)) settled = true;
      }
    }
  }

  #arranged(): PlannedInstance[] {
    const known = (id: string) => this.#records.has(id);
    const ready = [...this.#waiting.values()].filter(({ instance }) =>
      upstreamOf(instance).every(known)
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
    const fresh = one.key === null
      ? await planInstance(one.instance, this.#outputs(), this.context)
      : one;
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
    if (this.#fits(one.instance)) {
      this.#waiting.delete(id);
      await this.#start(fresh);
    }
    return false;
  }

  #outputs(): Map<string, Readonly<Record<string, OutputRecord>>> {
    return new Map([...this.#records].map(([id, { outputs }]) => [id, outputs]));
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

  #fits(instance: Instance): boolean {
    const { capacity } = this.context.executor;
    const wanted = instance.stage.resources(instance.params);
    const used = [...this.#running.values()].map(({ resources }) => resources);
    if (used.length === 0) return true; // larger than the machine: alone, rather than never
    const cores = used.reduce((sum, one) => sum + one.cores, wanted.cores);
    const memory = used.reduce((sum, one) => sum + one.memory, wanted.memory);
    return cores <= capacity.cores && memory <= capacity.memory;
  }

  async #start(one: PlannedInstance): Promise<void> {
    const { instance } = one;
    const key = one.key!;
    const { store, executor, now } = this.context;
    const begun = now();
    try {
      const resumed = store.hasScratch(key);
      const attempt = await store.attemptFolder();
      const job = await this.#jobOf(instance, attempt, await store.scratchFolder(key));
      const warnings: string[] = [];
      const running = executor.start(job, (message) => {
        if (message.type === "progress") {
          this.#emit({ type: "stage-progress", id: instance.id, progress: message.progress });
        } else {
          const { level, message: text } = message;
          if (level === "warning") warnings.push(text);
          this.#emit({ type: "stage-log", id: instance.id, level, message: text });
        }
      });
      const { pid } = running;
      this.#emit({
        type: "stage-started",
        id: instance.id,
        key,
        pid,
        resumed,
        reasons: one.reasons,
      });
      const ended = running.done
        .then((result) => this.#end(one, result, { job, begun, warnings }))
        .catch(async (error) => {
          await removeTree(attempt);
          this.#fail(one, now() - begun, messageOf(error));
        })
        .finally(() => this.#running.delete(instance.id));
      this.#running.set(instance.id, { job: running, resources: job.resources, ended });
    } catch (error) {
      this.#fail(one, now() - begun, messageOf(error));
    }
  }

  async #jobOf(instance: Instance, attempt: string, scratch: string): Promise<StageJob> {
    const { stage, params } = instance;
    const outputs: Record<string, { type: string; folder: string }> = {};
    for (const [port, { type }] of Object.entries(stage.outputs)) {
      outputs[port] = { type, folder: join(attempt, port) };
      await Deno.mkdir(outputs[port].folder);
    }
    const inputs: Record<string, InputArtifact[]> = {};
    for (const [port, refs] of Object.entries(instance.inputs)) {
      inputs[port] = refs.map((ref) => {
        const { type, digest } = this.#records.get(ref.instance)!.outputs[ref.port];
        const path = this.context.store.objectPath(digest);
        return { path, type, digest, from: ref.instance, axes: ref.axes };
      });
    }
    return {
      id: instance.id,
      stage: stage.name,
      module: stage.module,
      artifactTypes: this.context.artifactTypes,
      params,
      inputs,
      outputs,
      scratch,
      attempt,
      paths: Object.values(instance.paths),
      resources: stage.resources(params),
    };
  }

  async #end(
    one: PlannedInstance,
    result: JobResult,
    attempt: { job: StageJob; begun: number; warnings: string[] },
  ): Promise<void> {
    const milliseconds = this.context.now() - attempt.begun;
    // At once: on a full disk this makes the room to write down that it failed.
    if (result.status !== "done") await removeTree(attempt.job.attempt);
    if (result.status === "failed") return this.#fail(one, milliseconds, result.error);
    if (result.status === "stopped") return this.#stopped(one, milliseconds);
    const { store, recipe, host, now } = this.context;
    const { instance, key, fields } = one;
    const edited = await this.context.code.editedSince(fields!.code);
    if (edited.length > 0) {
      const error = `Its code was edited while it ran (${edited.join(", ")}); run it again.`;
      return this.#fail(one, milliseconds, error);
    }
    const outputs: Record<string, OutputRecord> = {};
    for (const [port, { type, folder }] of Object.entries(attempt.job.outputs)) {
      const digest = result.digests[port];
      const { bytes } = await store.commitArtifact({ folder, type, digest });
      outputs[port] = { type, digest, bytes };
    }
    const record: KeyRecord = {
      key: key!,
      stage: instance.stage.name,
      instance: instance.id,
      recipe,
      fields: JSON.parse(JSON.stringify(fields)),
      outputs,
      seconds: milliseconds / 1000,
      peakMemoryBytes: result.peakMemoryBytes,
      finishedAt: new Date(now()).toISOString(),
      host,
      warnings: attempt.warnings,
    };
    await store.commitKey(record);
    await store.dropScratch(key!);
    await removeTree(attempt.job.attempt);
    this.#records.set(instance.id, record);
    this.#note(instance, key, "ran", record.seconds);
    const { seconds, peakMemoryBytes } = record;
    const { id } = instance;
    this.#emit({ type: "stage-finished", id, key: key!, seconds, peakMemoryBytes, outputs });
  }

  /** Stopped by us it counts as not run; by anyone else as failed. */
  #stopped(one: PlannedInstance, milliseconds: number): void {
    if (this.context.stop.aborted) this.#waiting.set(one.instance.id, one);
    else this.#fail(one, milliseconds, "The worker was stopped from outside.");
  }

  #fail({ instance, key }: PlannedInstance, milliseconds: number, error: string): void {
    const seconds = milliseconds / 1000;
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
      const missing = upstreamOf(instance).filter((id) => !this.#records.has(id));
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

type WithoutTime<T> = T extends unknown ? Omit<T, "time"> : never;

function messageOf(error: unknown): string {
  if (error instanceof InputError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
