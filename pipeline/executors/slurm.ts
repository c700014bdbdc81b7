import type { Executor, RunningJob, StageJob, WorkerMessage } from "../executor.ts";
import type { WorkerCode } from "./local.ts";
import { cancel, type JobStatus, statusOf, submit } from "./slurm_commands.ts";
import { SlurmJob } from "./slurm_job.ts";
import { batchScript, sbatchArguments } from "./slurm_script.ts";
import { workerEnvironment } from "./worker_environment.ts";

/** How workers are started on a cluster. */
export interface SlurmOptions extends WorkerCode {
  /** The most cores in use at once; as many as Slurm gives unless told. */
  readonly cores?: number;
  readonly partition?: string;
  /** Words that `sbatch` is given last, such as `--account=lab`. */
  readonly args?: readonly string[];
}

/** What starts within this time is submitted together, as arrays of jobs that are alike. */
const GATHERING_MS = 200;
const LOOK_MS = 250;
/** Slurm is asked rarely: what ended well says so by its file. */
const ASK_MS = 2_000;
const LIFE_MS = 10_000;
/** Slurm's own limit (`MaxArraySize`) is 1,001 unless set. */
const MOST_IN_ARRAY = 500;

/** A node that is out of sight gets so long to see that it must end, before its job begins elsewhere. */
const FENCE_MS = 5_000;

/** What the node that runs a job has of its own, whatever the submitting machine's is. */
const OF_THE_NODE = ["TMPDIR", "TMP", "TEMP", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"];

/**
 * Runs each job through `sbatch` on a cluster whose nodes share the store's file system and this program's.
 *
 * A key is known when the bytes of its inputs are, so no job is submitted before those it needs have
 * ended, and none depends on another in Slurm: the run's own loop starts what is ready. What starts at the
 * same time and asks for the same (the seeds of a training) goes as one array.
 */
export class SlurmExecutor implements Executor {
  readonly name = "slurm";
  readonly machine: string;
  readonly capacity: { readonly cores: number; readonly memory: number };
  #gathered: SlurmJob[] = [];
  #jobs = new Set<SlurmJob>();
  #following = false;
  #count = 0;

  constructor(private readonly options: SlurmOptions) {
    this.capacity = { cores: options.cores ?? Infinity, memory: Infinity };
    this.machine = ["slurm", options.partition ?? "", ...options.args ?? []].join(" ").trim();
  }

  start(job: StageJob, listen: (message: WorkerMessage) => void): RunningJob {
    const started = new SlurmJob(job, listen, this.options);
    this.#gather(started);
    return started;
  }

  #gather(job: SlurmJob): void {
    if (this.#gathered.length === 0) setTimeout(() => this.#submitGathered(), GATHERING_MS);
    this.#gathered.push(job);
  }

  async #submitGathered(): Promise<void> {
    const groups = new Map<string, { args: string[]; jobs: SlurmJob[] }>();
    for (const job of this.#gathered.splice(0)) {
      const args = this.#arguments(job.job);
      const name = JSON.stringify(args);
      const group = groups.get(name)?.jobs.length === MOST_IN_ARRAY ? undefined : groups.get(name);
      if (group === undefined) groups.set(name, { args, jobs: [job] });
      else group.jobs.push(job);
    }
    for (const { args, jobs } of groups.values()) await this.#submit(args, jobs);
  }

  #arguments(job: StageJob): string[] {
    const { partition, args = [] } = this.options;
    const names = Object.keys(workerEnvironment(job.resources));
    return [
      ...sbatchArguments(job, names.filter((name) => !OF_THE_NODE.includes(name))),
      ...partition === undefined ? [] : [`--partition=${partition}`],
      ...args,
    ];
  }

  /** Submits jobs that are alike as one. */
  async #submit(args: readonly string[], all: readonly SlurmJob[]): Promise<void> {
    const jobs: SlurmJob[] = [];
    try {
      for (const job of all) {
        if (job.asked !== "no") job.settle({ status: "stopped" });
        else {
          await job.prepare();
          jobs.push(job);
        }
      }
      if (jobs.length === 0) return;
      const array = jobs.length === 1 ? [] : [`--array=0-${jobs.length - 1}`];
      const places = jobs.map(({ folder, job: { scratch } }) => ({ folder, scratch }));
      const id = await submit([...args, ...array], batchScript(places));
      for (const [i, job] of jobs.entries()) {
        job.id = jobs.length === 1 ? id : `${id}_${i}`;
        this.#jobs.add(job);
      }
      if (!this.#following) void this.#follow();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      for (const job of jobs.length === 0 ? all : jobs) {
        job.settle({ status: "failed", error: message });
      }
    }
  }

  /** One loop over all jobs while there are any. */
  async #follow(): Promise<void> {
    this.#following = true;
    let [asked, shown] = [0, 0];
    while (this.#jobs.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const now = performance.now();
      const isTime = now - asked >= ASK_MS;
      const statuses = isTime ? await statusOf([...this.#jobs].map(({ id }) => id!)) : null;
      if (isTime) asked = performance.now();
      const shows = now - shown >= LIFE_MS;
      if (shows) shown = now;
      if (shows) this.#count++;
      for (const job of this.#jobs) this.#look(job, statuses?.get(job.id!), shows);
      await this.#cancelAsked();
    }
    this.#following = false;
  }

  #look(job: SlurmJob, status: JobStatus | undefined, shows: boolean): void {
    try {
      if (shows) job.showLife(this.#count);
      const standing = job.look(status, performance.now());
      if (standing === "goes on") return;
      this.#jobs.delete(job);
      if (standing === "submit again") setTimeout(() => this.#gather(job), FENCE_MS);
    } catch (error) {
      // The listener failed, not the worker: it must not run on unheard.
      this.#jobs.delete(job);
      void cancel([job.id!]).finally(() => job.fail(error));
    }
  }

  /** Jobs that nobody wants any more: those to be killed, and those to stop that wait for a node still. */
  async #cancelAsked(): Promise<void> {
    const unwanted = [...this.#jobs].filter((job) =>
      !job.isCancelled && (job.asked === "kill" || job.asked === "stop" && !job.hasBegun)
    );
    for (const job of unwanted) job.isCancelled = true;
    await cancel(unwanted.map(({ id }) => id!));
  }
}
