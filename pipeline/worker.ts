/**
 * Runs one stage instance in a process of its own, or as one of several that MPI joins. The job comes as
 * one line of JSON on standard input; messages and the result go out as marked lines. When standard input
 * ends, the pipeline is gone and the worker ends too, so that a killed pipeline leaves no orphans. Of
 * several processes that holds for the first one; the others, which find the job in a file, end with it,
 * and tell of themselves alone.
 */
import process from "node:process";
import { ExpectedError, InputError } from "../core/problem.ts";
import type { ArtifactType } from "./artifact.ts";
import type { JobResult, StageJob, WorkerMessage } from "./executor.ts";
import { exportedStage } from "./exported_stage.ts";
import { requireWhole } from "./store/check_object.ts";
import { processPlace } from "./process_place.ts";
import type { Sizes } from "./prediction.ts";
import { explainFailure, writeAllSync } from "../core/write_atomically.ts";
import type { InputArtifact, StageContext } from "./stage.ts";
import { encodeLine } from "./worker_protocol.ts";

const encoder = new TextEncoder();

function send(line: Parameters<typeof encodeLine>[0]): void {
  writeAllSync(Deno.stdout, encoder.encode(encodeLine(line)));
}

/** Where the job lies, for several processes; `undefined` for one. */
const [sharedFile] = Deno.args;
const place = sharedFile === undefined ? 0 : processPlace();

async function readJob(): Promise<StageJob> {
  if (place > 0) return JSON.parse(await Deno.readTextFile(sharedFile)) as StageJob;
  const reader = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) Deno.exit(1);
    text += value;
  }
  endWithPipeline(reader);
  return JSON.parse(text) as StageJob;
}

/** Leaves as soon as the pipeline is gone. */
async function endWithPipeline(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done);
  Deno.exit(1);
}

function contextOf(job: StageJob, params: unknown, signal: AbortSignal): StageContext<unknown> {
  const inputs = (port: string): readonly InputArtifact[] => {
    if (job.inputs[port] === undefined) throw new RangeError(`${job.stage} has no input ${port}.`);
    return job.inputs[port];
  };
  const say = (message: WorkerMessage) => {
    if (place === 0) send({ type: "message", message });
  };
  return {
    params,
    instanceId: job.id,
    run: job.run,
    inputs,
    input: (port) => {
      const artifacts = inputs(port);
      if (artifacts.length !== 1) {
        throw new RangeError(`Expected one artifact at ${port} but found ${artifacts.length}.`);
      }
      return artifacts[0];
    },
    output: (port) => {
      if (job.outputs[port] === undefined) {
        throw new RangeError(`${job.stage} has no output ${port}.`);
      }
      return job.outputs[port].folder;
    },
    scratch: job.scratch,
    cache: (name) => {
      const folder = job.caches[name];
      if (folder === undefined) throw new RangeError(`${job.stage} declares no cache ${name}.`);
      return folder;
    },
    signal,
    progress: (progress) => say({ type: "progress", progress }),
    measure: (figures) => say({ type: "step", figures }),
    log: (message) => say({ type: "log", level: "info", message }),
    warn: (message) => say({ type: "log", level: "warning", message }),
  };
}

async function examineOutputs(
  job: StageJob,
): Promise<Pick<Extract<JobResult, { status: "done" }>, "digests" | "sizes">> {
  if (place > 0) return { digests: {}, sizes: {} };
  const { artifactTypes } = await import(job.artifactTypes) as {
    artifactTypes: ReadonlyMap<string, ArtifactType>;
  };
  const digests: Record<string, string> = {};
  const sizes: Record<string, Sizes> = {};
  for (const [port, { type, folder }] of Object.entries(job.outputs)) {
    const known = artifactTypes.get(type);
    if (known === undefined) throw new TypeError(`There is no artifact type ${type}.`);
    if (Deno.readDirSync(folder)[Symbol.iterator]().next().done) {
      throw new TypeError(`${job.stage} wrote nothing to its output ${port}.`);
    }
    digests[port] = await known.digest(folder);
    sizes[port] = await known.facts(folder);
  }
  return { digests, sizes };
}

async function runJob(job: StageJob, signal: AbortSignal): Promise<JobResult> {
  try {
    await requireWhole(Object.values(job.inputs).flat());
    const stage = await exportedStage(job.module, job.stage);
    await stage.run(contextOf(job, job.params, signal));
    if (signal.aborted) return { status: "stopped" };
    const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    return { status: "done", ...await examineOutputs(job), peakMemoryBytes };
  } catch (error) {
    if (signal.aborted || isStoppedByAnother(error)) return { status: "stopped" };
    return { status: "failed", error: describeError(error, job) };
  }
}

/** Of several processes all stop when one was asked to: a signal need not have reached this one yet. */
function isStoppedByAnother(error: unknown): boolean {
  return sharedFile !== undefined && error instanceof Error && error.name === "AbortError";
}

/** What a person can act on goes without a stack trace; what is our mistake carries one. */
function describeError(thrown: unknown, job: StageJob): string {
  if (thrown instanceof Deno.errors.NotCapable) {
    return `${thrown.message} (not among its permissions)`;
  }
  const error = explainFailure(thrown, job.attempt);
  if (error instanceof ExpectedError || error instanceof InputError) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

const PATIENCE_MS = 30_000;

/**
 * Waits until a worker whose pipeline was killed, and that is about to end, no longer writes the same
 * scratch. One that hangs is not waited for, and folders that cannot be locked (on a network's file
 * system) are not: there it no longer finds its scratch, which has the name of the next attempt.
 *
 * @returns what holds the folder while this process lives
 */
async function holdScratch(folder: string): Promise<Deno.FsFile | null> {
  try {
    const held = await Deno.open(folder, { read: true });
    const begun = performance.now();
    while (!await held.tryLock(true) && performance.now() - begun < PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return held;
  } catch {
    return null;
  }
}

/** How long the first of several processes is given to tell of what has failed in all of them. */
const GRACE_MS = 1_000;

/** Tells how the job ended. A process that failed makes mpiexec end the others, which wait for it. */
async function endWith(result: JobResult, name: string): Promise<never> {
  if (place === 0) send({ type: "result", result });
  else if (result.status === "failed") {
    send({ type: "process-failed", error: `${name}: ${result.error}` });
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
  }
  Deno.exit(sharedFile !== undefined && result.status === "failed" ? 1 : 0);
}

const job = await readJob();
const name = `Rank ${place} of ${job.resources.processes ?? 1}`;
if (sharedFile !== undefined) send({ type: "process", name, pid: Deno.pid });
const _held = place === 0 ? await holdScratch(job.scratch) : null;
const stopping = new AbortController();
Deno.addSignalListener("SIGINT", () => {}); // Ctrl-C reaches the whole group; the pipeline decides.
Deno.addSignalListener("SIGTERM", () => stopping.abort());
await endWith(await runJob(job, stopping.signal), name);
