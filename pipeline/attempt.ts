import { join } from "node:path";
import { InputError } from "../core/problem.ts";
import { sourceDigest } from "./content_digest.ts";
import type { OutputRecord } from "./events.ts";
import type { Executor, JobResult, RunningJob, StageJob, WorkerMessage } from "./executor.ts";
import { limitLogs } from "./log_limit.ts";
import type { PlanContext, PlannedInstance } from "./plan.ts";
import { type Reservation, reservationOf } from "./schedule.ts";
import type { CacheName, InputArtifact, Resources } from "./stage.ts";
import type { Host, KeyRecord } from "./store/records.ts";
import { removeTree } from "./store/store.ts";
import type { StoreShare } from "./store/store_share.ts";

/** What an attempt needs beside what planning needs. */
export interface AttemptContext extends PlanContext {
  readonly executor: Executor;
  /** URL of the module that exports `artifactTypes`. */
  readonly artifactTypes: string;
  readonly host: Host;
  /** Keeps others from removing what is used. */
  readonly share: StoreShare;
  /** The run that it is part of. */
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The record of every instance that has a result so far. */
  readonly records: ReadonlyMap<string, KeyRecord>;
  /** Aborted when another machine has taken the key over: its scratch is that one's then. */
  readonly lost: AbortSignal;
}

/** How an attempt ended. */
export type AttemptResult =
  | { readonly status: "done"; readonly record: KeyRecord }
  | { readonly status: "failed"; readonly error: string; readonly seconds: number }
  | { readonly status: "stopped"; readonly seconds: number };

/** One attempt at an instance whose key is known: a worker, its folders, and what becomes of them. */
export class Attempt {
  readonly pid: number;
  /** Settles when the worker has ended and its outputs are committed or gone; never rejects. */
  readonly result: Promise<AttemptResult>;
  readonly #running: RunningJob;
  readonly #warnings: string[] = [];

  private constructor(
    private readonly planned: PlannedInstance,
    private readonly job: StageJob,
    private readonly context: AttemptContext & { readonly resumed: boolean },
    listen: (message: WorkerMessage) => void,
  ) {
    const begun = context.now();
    const heed = limitLogs((message) => {
      if (message.type === "log" && message.level === "warning") {
        this.#warnings.push(message.message);
      }
      listen(message);
    });
    this.#running = context.executor.start(job, heed);
    this.pid = this.#running.pid;
    this.result = this.#running.done
      .then((result) => this.#end(result, begun))
      .catch(async (error) => {
        await removeTree(job.attempt);
        return { status: "failed", error: messageOf(error), seconds: this.#seconds(begun) };
      });
  }

  /**
   * Makes the folders and starts the worker.
   *
   * @throws InputError when the code or an input file is no longer what the key says; the reason of `lost`
   */
  static async start(
    planned: PlannedInstance,
    context: AttemptContext,
    listen: (message: WorkerMessage) => void,
  ): Promise<Attempt> {
    await refuseEdits(planned, context);
    const { store, lost } = context;
    lost.throwIfAborted();
    const resumed = store.hasScratch(planned.key!);
    const folder = await store.attemptFolder();
    const job = await jobOf(planned, context, {
      attempt: folder,
      scratch: await store.takeScratch(planned.key!),
    });
    return new Attempt(planned, job, { ...context, resumed }, listen);
  }

  /** What is kept free for the worker. */
  get reserved(): Reservation {
    return reservationOf(this.planned);
  }

  /** Asks the worker to stop at the next safe point. */
  stop(): void {
    this.#running.stop();
  }

  /** Ends the worker at once. */
  kill(): void {
    this.#running.kill();
  }

  #seconds(begun: number): number {
    return (this.context.now() - begun) / 1000;
  }

  async #end(result: JobResult, begun: number): Promise<AttemptResult> {
    const seconds = this.#seconds(begun);
    try {
      await refuseEdits(this.planned, this.context);
    } catch (error) {
      // What edited code left in scratch must not be found again under this key.
      await this.#dropScratch();
      await removeTree(this.job.attempt);
      return { status: "failed", error: messageOf(error), seconds };
    }
    if (result.status !== "done") {
      // At once: on a full disk this makes the room to write down that it failed.
      await removeTree(this.job.attempt);
      return { ...result, seconds };
    }
    const record = await this.context.share.keep(
      () => this.#commit(result, result.seconds ?? seconds),
      ({ key }) => [key],
    );
    await this.#dropScratch();
    await removeTree(this.job.attempt);
    return { status: "done", record };
  }

  async #dropScratch(): Promise<void> {
    await this.context.store.dropScratch(this.job.scratch);
  }

  async #commit(
    result: Extract<JobResult, { status: "done" }>,
    seconds: number,
  ): Promise<KeyRecord> {
    const { digests, sizes, peakMemoryBytes } = result;
    const { store, recipe, host, now, resumed } = this.context;
    const { instance, key, fields, forecast: { work } } = this.planned;
    const outputs: Record<string, OutputRecord> = {};
    for (const [port, { type, folder }] of Object.entries(this.job.outputs)) {
      const digest = digests[port];
      const { bytes } = await store.commitArtifact({ folder, type, digest });
      outputs[port] = { type, digest, bytes, sizes: sizes[port] };
    }
    const record: KeyRecord = {
      key: key!,
      stage: instance.stage.name,
      instance: instance.id,
      recipe,
      fields: JSON.parse(JSON.stringify(fields)),
      outputs,
      seconds,
      // After a resumption the seconds are those of the rest.
      ...(work === undefined || resumed ? {} : { work }),
      peakMemoryBytes,
      finishedAt: new Date(now()).toISOString(),
      host: result.host ?? host,
      warnings: this.#warnings,
    };
    await store.commitKey(record, this.context.machine);
    return record;
  }
}

/** Code and input files are keyed when a run is planned, and read when a worker gets to them. */
async function refuseEdits(
  { instance, fields }: PlannedInstance,
  { code, memory }: PlanContext,
): Promise<void> {
  const edited = [...await code.editedSince(fields!.code)];
  for (const [name, path] of Object.entries(instance.paths)) {
    const digest = await sourceDigest(instance, name, memory).catch(() => "gone");
    if (digest !== fields!.sources[name]) edited.push(path);
  }
  if (edited.length === 0) return;
  throw new InputError([{
    path: instance.id,
    message: `What it reads was edited since the run was planned (${
      edited.join(", ")
    }); run it again.`,
  }]);
}

async function jobOf(
  planned: PlannedInstance,
  { store, records, artifactTypes, run }: AttemptContext,
  folders: { readonly attempt: string; readonly scratch: string },
): Promise<StageJob> {
  const { instance } = planned;
  const { id, stage, params } = instance;
  const resources = stage.resources(params);
  const { memory } = reservationOf(planned);
  const outputs: Record<string, { type: string; folder: string }> = {};
  for (const [port, { type }] of Object.entries(stage.outputs)) {
    outputs[port] = { type, folder: join(folders.attempt, port) };
    await Deno.mkdir(outputs[port].folder);
  }
  const inputs: Record<string, InputArtifact[]> = {};
  for (const [port, refs] of Object.entries(instance.inputs)) {
    inputs[port] = refs.map((ref) => {
      const { type, digest } = records.get(ref.instance)!.outputs[ref.port];
      return { path: store.objectPath(digest), type, digest, from: ref.instance, axes: ref.axes };
    });
  }
  return {
    id,
    run,
    stage: stage.name,
    module: stage.module,
    artifactTypes,
    params,
    inputs,
    outputs,
    ...folders,
    caches: await cacheFolders(resources, (name) => store.cacheFolder(name)),
    paths: Object.values(instance.paths),
    resources,
    ...(memory > 0 ? { memory } : {}),
  };
}

/** The folders of the caches that a stage declares. */
export async function cacheFolders(
  { caches = [] }: Resources,
  folderOf: (name: CacheName) => Promise<string>,
): Promise<StageJob["caches"]> {
  const entries = caches.map(async (name) => [name, await folderOf(name)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
