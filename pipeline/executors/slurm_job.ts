import { join } from "node:path";
import type { JobResult, RunningJob, StageJob, WorkerMessage } from "../executor.ts";
import { instructionSet } from "../instruction_set.ts";
import { removeTree } from "../store/store.ts";
import { isMissing, readTextIfThere } from "../../core/write_atomically.ts";
import type { WorkerCode } from "./local.ts";
import type { JobStatus } from "./slurm_commands.ts";
import { FILES, WARNING_SECONDS, writeSubmission } from "./slurm_script.ts";
import { WorkerOutput } from "./worker_output.ts";

/** How often a job is submitted at most: nodes fail, and time limits end, but not without end. */
const MOST_SUBMISSIONS = 20;

/** How long a file of another machine may take to be seen here after its job has ended. */
const SETTLING_MS = 5_000;

const MORE_TIME =
  "Give it more with --slurm-arg=--time=HOURS:00:00, or take a partition with a longer limit with " +
  "--slurm-partition";

/** What becomes of a job after a look at its files. */
export type Standing = "goes on" | "submit again" | "over";

/** One job of a pipeline, through all its submissions. */
export class SlurmJob implements RunningJob {
  /** The job's worker is on another machine; this process follows it. */
  readonly pid = Deno.pid;
  readonly done: Promise<JobResult>;
  /** `12`, or `12_3` in an array; null until it is submitted. */
  id: string | null = null;
  /** True once Slurm was told that nobody wants it. */
  isCancelled = false;
  #ended = Promise.withResolvers<JobResult>();
  #output: WorkerOutput;
  #files: Tail[] = [];
  #submissions = 0;
  #began: number | null = null;
  #host: { name: string; isa: string } | null = null;
  #endSeen: number | null = null;
  #asked: "no" | "stop" | "kill" = "no";

  constructor(
    readonly job: StageJob,
    private readonly listen: (message: WorkerMessage) => void,
    private readonly code: WorkerCode,
  ) {
    this.#output = new WorkerOutput(listen);
    this.done = this.#ended.promise;
  }

  /** The folder of the files of the submission under way. */
  get folder(): string {
    return join(this.job.attempt, ".slurm", String(this.#submissions));
  }

  get asked(): "no" | "stop" | "kill" {
    return this.#asked;
  }

  /** True once it is on a node. */
  get hasBegun(): boolean {
    return this.#began !== null;
  }

  stop(): void {
    if (this.#asked === "no") this.#asked = "stop";
    this.#leave(FILES.stop);
  }

  kill(): void {
    this.#asked = "kill";
    this.#leave(FILES.end);
  }

  /** Lays down what the next submission needs; what an earlier one wrote to the outputs is gone. */
  async prepare(): Promise<void> {
    if (this.#submissions > 0) {
      this.#leave(FILES.end); // were its node only out of sight, it would still write
      for (const { folder } of Object.values(this.job.outputs)) {
        await removeTree(folder);
        await Deno.mkdir(folder);
      }
    }
    this.#submissions++;
    this.id = null;
    this.#began = null;
    this.#endSeen = null;
    this.#output = new WorkerOutput(this.listen);
    this.#files = [
      new Tail(join(this.folder, FILES.output), (line) => this.#output.read(line)),
      new Tail(join(this.folder, FILES.errors), (line) => this.#output.print(line)),
    ];
    await writeSubmission(this.folder, this.job, this.code);
  }

  /** Shows the job that this process lives. */
  showLife(count: number): void {
    if (this.#submissions === 0) return;
    Deno.writeTextFileSync(join(this.folder, FILES.alive), String(count));
  }

  /**
   * Hears what the worker has said since the last look, and sees whether it has ended.
   *
   * @param status what Slurm said of it last; none where it was not asked
   * @param now milliseconds of a steady clock
   */
  look(status: JobStatus | undefined, now: number): Standing {
    if (!this.hasBegun) this.#see(now);
    const exit = readTextIfThere(join(this.folder, FILES.exit));
    for (const file of this.#files) file.read(exit !== null);
    const over = status?.state === "waiting" || status?.state === "running" ? undefined : status;
    if (exit === null && over === undefined) return "goes on";
    this.#endSeen ??= now;
    const settles = now - this.#endSeen < SETTLING_MS && this.#asked === "no";
    if (exit !== null) {
      // Of a worker that was killed, Slurm soon knows why, where its own job does not.
      return Number(exit) > 128 && over === undefined && settles && this.#whyGaveUp() === null
        ? "goes on"
        : this.#close(Number(exit), status, now);
    }
    if (settles) return "goes on";
    for (const file of this.#files) file.read(true);
    return this.#lose(over!);
  }

  /** Ends it with a result that did not come from its worker. */
  settle(result: JobResult): void {
    this.#ended.resolve(
      result.status === "failed" && this.#asked !== "no" ? { status: "stopped" } : result,
    );
  }

  /** An error of this process's own. */
  fail(error: unknown): void {
    this.#leave(FILES.end);
    this.#ended.reject(error);
  }

  #see(now: number): void {
    const text = readTextIfThere(join(this.folder, FILES.node));
    if (text === null) return;
    const [name, arch, ...cpuinfo] = text.split("\n");
    this.#began = now;
    this.#host = { name, isa: instructionSet(arch, cpuinfo.join("\n")) };
    this.listen({ type: "log", level: "info", message: `Slurm job ${this.id} on ${name}.` });
  }

  #close(code: number, status: JobStatus | undefined, now: number): Standing {
    const how = code === 0
      ? null
      : code > 128
      ? `signal ${code - 128}${status === undefined ? "" : `; ${this.#words(status)}`}`
      : `exit code ${code}`;
    const result = this.#output.end(how);
    const gaveUp = this.#whyGaveUp();
    if (result.status === "failed" && gaveUp !== null && this.#asked === "no") {
      return this.#again(gaveUp);
    }
    if (result.status === "stopped" && this.#asked === "no") {
      return this.#again("Slurm asked it to stop");
    }
    if (status?.state === "again" && result.status === "failed") return this.#again(status.word);
    if (result.status !== "done") this.settle(result);
    else {
      const seconds = (now - this.#began!) / 1000;
      const host = { isa: this.#host!.isa, os: Deno.build.os, deno: Deno.version.deno };
      this.settle({ ...result, seconds, host });
    }
    return "over";
  }

  /** Why the job itself ended its worker, as when this process was stopped for a while; null if it did not. */
  #whyGaveUp(): string | null {
    const why = readTextIfThere(join(this.folder, FILES.gaveUp))?.trim();
    return why === undefined ? null : why || "it had no room to say why";
  }

  /** It ended without leaving its exit code. */
  #lose(status: JobStatus): Standing {
    if (status.state === "again" && this.#asked === "no") return this.#again(status.word);
    const batch = readTextIfThere(join(this.folder, FILES.batch));
    for (const line of batch?.split("\n") ?? []) if (line !== "") this.#output.print(line);
    const place = batch === null
      ? `; it left nothing in ${this.folder}, which must be on a file system that the nodes share`
      : "";
    this.settle(this.#output.end(`job ${this.id}; ${this.#words(status)}${place}`));
    return "over";
  }

  /** Slurm's word for its end, and what a person can do about it. */
  #words({ word }: JobStatus): string {
    if (word === "") return "Slurm no longer knows it";
    if (word === "TIMEOUT") {
      return `Slurm says TIMEOUT: the time limit of ${this.job.id} was over before it had stopped, ` +
        `as it is asked to ${WARNING_SECONDS} s before. ${MORE_TIME}`;
    }
    if (word === "OUT_OF_MEMORY") {
      return `Slurm says OUT_OF_MEMORY: ${this.job.id} took more memory than it is foreseen to. ` +
        "Give it more with --slurm-arg=--mem=…";
    }
    return `Slurm says ${word}`;
  }

  #again(why: string): Standing {
    if (this.#submissions >= MOST_SUBMISSIONS) {
      const error = `Slurm job ${this.id} of ${this.job.id} ended (${why}), the last of ` +
        `${MOST_SUBMISSIONS} submissions. Where time limits end them: ${MORE_TIME}`;
      this.settle({ status: "failed", error });
      return "over";
    }
    const message = `Slurm job ${this.id} ended (${why}); it is submitted again.`;
    this.listen({ type: "log", level: "info", message });
    return "submit again";
  }

  #leave(name: string): void {
    if (this.#submissions === 0) return;
    try {
      Deno.writeTextFileSync(join(this.folder, name), "");
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

const PIECE = 1 << 18;

/** The lines that are added to a file. */
class Tail {
  #at = 0;
  #rest = "";
  #decoder = new TextDecoder();

  constructor(private readonly path: string, private readonly take: (line: string) => void) {}

  /**
   * Passes on the lines that are whole, and at the `end` what is left.
   * The file is opened anew each time: only then does a network's file system show what was added.
   */
  read(end: boolean): void {
    try {
      using file = Deno.openSync(this.path, { read: true });
      file.seekSync(this.#at, Deno.SeekMode.Start);
      const bytes = new Uint8Array(PIECE);
      for (let count = file.readSync(bytes); count !== null; count = file.readSync(bytes)) {
        this.#at += count;
        this.#add(this.#decoder.decode(bytes.subarray(0, count), { stream: true }));
      }
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    if (end && this.#rest !== "") this.#add("\n");
  }

  #add(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!.slice(0, LONGEST_LINE);
    lines.forEach((line) => this.take(line));
  }
}

const LONGEST_LINE = 1 << 20;
