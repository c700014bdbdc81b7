import { ExpectedError } from "../../core/problem.ts";

/** What Slurm says of a job. */
export type JobState =
  /** It waits for a node. */
  | "waiting"
  /** It has a node, or is about to leave it. */
  | "running"
  /** A node failed it, or it had to make room: it may be submitted again. */
  | "again"
  | "ended"
  /** Slurm does not know it, or no longer. */
  | "unknown";

/** A job's state, and Slurm's own word for it. */
export interface JobStatus {
  readonly state: JobState;
  /** `NODE_FAIL`, `TIMEOUT`; "" where Slurm does not know the job. */
  readonly word: string;
}

const WAITING = ["PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"];
const RUNNING = [
  ...["RUNNING", "COMPLETING", "STAGE_OUT", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING"],
];
const AGAIN = ["NODE_FAIL", "BOOT_FAIL", "PREEMPTED"];

/** What the words for `sbatch` say of other things than what a job asks for. */
const BESIDE_RESOURCES = /^--(job-name|export|no-requeue|signal|output|chdir|array)(=|$)/;

/**
 * Submits a batch script.
 *
 * @param args of `sbatch`
 * @returns the job's number; its tasks, of an array, are `NUMBER_0`, `NUMBER_1`, …
 * @throws ExpectedError with Slurm's words
 */
export async function submit(args: readonly string[], script: string): Promise<string> {
  const { code, stdout, stderr } = await call("sbatch", ["--parsable", ...args], script);
  const id = stdout.trim().split("\n").at(-1)!.split(";")[0];
  if (code === 0 && /^\d+$/.test(id)) return id;
  const asks = args.filter((one) => !BESIDE_RESOURCES.test(one)).join(" ");
  throw new ExpectedError(
    `Slurm did not take the job, which asks for ${asks}: ${stderr.trim() || `exit code ${code}`}`,
  );
}

/**
 * What Slurm says of jobs: `squeue` of those that it holds, which it does for some minutes after their
 * end; `sacct` of others, where the cluster keeps accounts.
 *
 * @param ids `12`, or `12_3` of a task of an array
 * @returns null when Slurm does not answer, which says nothing of the jobs
 */
export async function statusOf(ids: readonly string[]): Promise<Map<string, JobStatus> | null> {
  const args = ["-r", "-h", "-t", "all", "-o", "%i|%T", "-j", ids.join(",")];
  const { code, stdout, stderr } = await call("squeue", args);
  if (code !== 0 && !/Invalid job id/i.test(stderr)) return null;
  const found = parsed(stdout);
  const lost = ids.filter((id) => !found.has(id));
  if (lost.length > 0) {
    const words = ["-n", "-X", "-P", "-o", "JobID,State", "-j", lost.join()];
    const accounts = await call("sacct", words);
    for (const [id, status] of accounts.code === 0 ? parsed(accounts.stdout) : []) {
      if (lost.includes(id)) found.set(id, status);
    }
  }
  return new Map(ids.map((id) => [id, found.get(id) ?? { state: "unknown", word: "" }]));
}

/** Ends jobs; those that have ended already stay as they are. */
export async function cancel(ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await call("scancel", ids);
}

function parsed(text: string): Map<string, JobStatus> {
  const lines = text.split("\n").filter((line) => line.includes("|"));
  return new Map(lines.map((line) => {
    const [id, state] = line.trim().split("|");
    const word = state.split(" ")[0]; // `CANCELLED by 0`
    return [id, { state: stateOf(word), word }];
  }));
}

function stateOf(word: string): JobState {
  if (WAITING.includes(word)) return "waiting";
  if (RUNNING.includes(word)) return "running";
  return AGAIN.includes(word) ? "again" : "ended";
}

/** The whole environment goes with it: Slurm's commands are configured by it. */
async function call(name: string, args: readonly string[], input = "") {
  let child;
  try {
    child = new Deno.Command(name, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { code: 127, stdout: "", stderr: `There is no program ${name} on this machine.` };
  }
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(input)).then(() => writer.close());
  const [{ code, stdout, stderr }] = await Promise.all([child.output(), written.catch(() => {})]);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
