import { join } from "node:path";
import type { Random } from "../../../core/random.ts";
import { RunningBallast } from "../../end_to_end/ballast.ts";
import { copy } from "./store_faults.ts";
import type { Tell } from "./outcome.ts";
import { faultAfter, finishedIn, verdictOf, type Victim } from "./victim.ts";

/** True where system calls can be traced. */
export async function canTrace(): Promise<boolean> {
  try {
    const args = ["-f", "-o", "/dev/null", "true"];
    return (await new Deno.Command("strace", { args, stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** What a disk need not hold after the power went. */
export interface Unsynced {
  /** Files whose last bytes were not synced. */
  readonly files: readonly string[];
  /** Names that were given while their folder was not synced afterwards: they may be gone. */
  readonly names: readonly string[];
}

/**
 * Reads from a trace what was written and not synced after it. File systems may keep more than that; they
 * need not.
 *
 * @param trace of `strace -f -y -e trace=openat,write,pwrite64,copy_file_range,fsync,fdatasync,rename,...`
 * @param folder what lies below it counts
 */
export function unsyncedIn(trace: string, folder: string): Unsynced {
  const dirty = new Set<string>();
  const named = new Set<string>();
  for (const line of joined(trace)) {
    const call = /^\d+ +(\w+)\((.*)\) += (-?\d+)/.exec(line);
    if (call === null || call[3].startsWith("-")) continue;
    const [, name, args, result] = call;
    const file = /^\d+<([^>]*)>/.exec(args)?.[1];
    const quoted = [...args.matchAll(/"([^"]*)"/g)].map(([, path]) => path);
    if (name === "openat" && /O_CREAT|O_TRUNC/.test(args)) {
      const opened = new RegExp(` = ${result}<([^>]*)>`).exec(line)?.[1];
      if (opened?.startsWith(folder)) {
        dirty.add(opened);
        if (args.includes("O_CREAT")) named.add(opened);
      }
    } else if (/^(write|pwrite64|writev)$/.test(name) && file?.startsWith(folder)) dirty.add(file);
    else if (/^(fsync|fdatasync)$/.test(name) && file !== undefined) {
      dirty.delete(file);
      for (const path of named) if (join(path, "..") === file) named.delete(path);
    } else if (name.startsWith("mkdir") && quoted[0].startsWith(folder)) named.add(quoted[0]);
    else if (name.startsWith("rename") && quoted.length === 2) {
      moveNames(dirty, quoted[0], quoted[1]);
      moveNames(named, quoted[0], quoted[1]);
      if (quoted[1].startsWith(folder)) named.add(quoted[1]);
    }
  }
  return { files: [...dirty].sort(), names: [...named].sort() };
}

/** A call that another interrupts is told in two lines. */
function joined(trace: string): string[] {
  const open = new Map<string, string>();
  const lines: string[] = [];
  for (const line of trace.split("\n")) {
    const pid = line.split(" ")[0];
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(line);
    const ended = /^\d+ +<\.\.\. \w+ resumed>(.*)$/.exec(line);
    if (begun !== null) open.set(pid, begun[1]);
    else if (ended !== null) lines.push(`${open.get(pid) ?? ""}${ended[1]}`);
    else lines.push(line);
  }
  return lines;
}

function moveNames(paths: Set<string>, from: string, to: string): void {
  for (const path of [...paths]) {
    if (path !== from && !path.startsWith(`${from}/`)) continue;
    paths.delete(path);
    paths.add(`${to}${path.slice(from.length)}`);
  }
}

/**
 * Ends traced runs with SIGKILL and takes from copies of their stores what was not synced, some of it or all:
 * the next run must give the undisturbed digests, and what was told as finished must not run again.
 */
export async function losePower(
  victim: Victim,
  { folder, runs, copies, random }: {
    readonly folder: string;
    readonly runs: number;
    /** Of each run's store. */
    readonly copies: number;
    readonly random: Random;
  },
  tell: Tell,
): Promise<void> {
  for (let run = 0; run < runs; run++) {
    const store = join(folder, `power-${run}`);
    const trace = join(folder, "trace.txt");
    // The last of them ends by itself: also a finished run may have written what a power cut takes.
    const after = run === runs - 1 ? null : random.between(1, 8);
    const { lost, finished } = await traceUntil(victim, { store, trace, after });
    for (let one = 0; one < copies; one++) {
      const cut = join(folder, "cut");
      await copy(store, cut);
      const here = (path: string) => cut + path.slice(store.length);
      for (const path of lost.files) {
        await lose(here(path), one === 0 ? 0 : random.integer(4), random);
      }
      for (const path of lost.names) {
        if (one === 0 || random.uniform() < 0.5) await remove(here(path));
      }
      const fault = await faultAfter(victim, cut, { finished });
      const kind = after === null ? "power lost after a run" : "power lost in a run";
      tell({
        part: "power",
        kind,
        verdict: verdictOf(fault),
        detail: fault ?? undefined,
      });
      await remove(cut);
    }
    await remove(store);
  }
}

async function traceUntil(
  { args, place }: Victim,
  { store, trace, after }: { store: string; trace: string; after: number | null },
): Promise<{ lost: Unsynced; finished: ReadonlySet<string> }> {
  const calls =
    "openat,write,writev,pwrite64,fsync,fdatasync,mkdir,mkdirat,rename,renameat,renameat2";
  const tracing = ["-f", "-y", "-s", "0", "-e", `trace=${calls}`, "-o", trace];
  await using run = new RunningBallast(args(store), { ...place, under: ["strace", ...tracing] });
  if (after !== null) {
    await run.count(after);
    // The tracer ends with the last process that it traces: workers end with their pipeline.
    const { pid } = JSON.parse(await Deno.readTextFile(join(store, "lock")));
    if (run.running) Deno.kill(pid, "SIGKILL");
  }
  await run.ended;
  const lost = unsyncedIn(await Deno.readTextFile(trace), store);
  return { lost, finished: new Set(finishedIn(run.events)) };
}

/** Takes the content of a file: all of it, the last part, nothing, or it reads as zeros. */
async function lose(path: string, how: number, random: Random): Promise<void> {
  try {
    const { size, isFile } = await Deno.lstat(path);
    if (!isFile) return;
    await Deno.chmod(path, 0o644);
    if (how === 0) await Deno.truncate(path, 0);
    else if (how === 1) await Deno.truncate(path, random.integer(size + 1));
    else if (how === 2) await Deno.writeFile(path, new Uint8Array(size));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
