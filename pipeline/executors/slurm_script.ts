import { dirname, join } from "node:path";
import { shellWord } from "../../core/shell_word.ts";
import type { StageJob } from "../executor.ts";
import { MALLOC, type WorkerCode, workerCommand } from "./local.ts";
import { writeJobFile } from "./processes.ts";

/** How long a job goes on without a sign that its pipeline lives, in seconds. */
export const SILENT_SECONDS = 120;

/** Seconds before its time is up at which a job is told, so that it can save what it can. */
export const WARNING_SECONDS = 60;

/** Files by which a pipeline and its job talk, in a folder of each submission. */
export const FILES = {
  /** The pipeline writes: the job, */
  job: "job.json",
  /** the worker's command, */
  worker: "worker.sh",
  /** a count that goes on while it lives, */
  alive: "alive",
  /** and what asks the worker to stop at a safe point, or ends it. */
  stop: "stop",
  end: "end",
  /** The job writes: its node's name and processor, */
  node: "node",
  /** what the worker said and printed, */
  output: "output",
  errors: "errors",
  /** what went wrong around it, */
  batch: "batch",
  /** why it ended the worker by itself, */
  gaveUp: "gave-up",
  /** and, last, the worker's exit code. */
  exit: "exit",
} as const;

/** Lays the files of a submission down. */
export async function writeSubmission(
  folder: string,
  job: StageJob,
  code: WorkerCode,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const command = workerCommand(job, code, "allocated").map(shellWord).join(" ");
  writeJobFile(job);
  const worker = [
    `cd ${shellWord(code.projectFolder)} || exit 1`,
    `export GLIBC_TUNABLES=${shellWord(MALLOC)}`,
    `exec ${command}`,
    "",
  ].join("\n");
  await Deno.writeTextFile(join(folder, FILES.alive), "0");
  await Deno.writeTextFile(join(folder, FILES.worker), worker);
  await Deno.writeTextFile(join(folder, FILES.job), `${JSON.stringify(job)}\n`);
}

/**
 * The batch script of jobs that are submitted together; each finds its folder by its place in the array.
 * The worker is the one that runs locally, and as there its standard input stays open while its
 * pipeline lives. Only what POSIX's shell has is used, and no variable that the worker would see.
 *
 * It looks once a second for what ends its worker: that the pipeline asks for it, shows no life, or that
 * the scratch is no longer where it was, since another attempt has taken it.
 *
 * @param places each job's folder of the submission, and its scratch
 * @param silentSeconds after so many without a sign of its pipeline's life a job ends itself
 */
export function batchScript(
  places: readonly { readonly folder: string; readonly scratch: string }[],
  silentSeconds: number = SILENT_SECONDS,
): string {
  return `#!/bin/sh
case "\${SLURM_ARRAY_TASK_ID:-0}" in
${places.map(placeOf).join("\n")}
esac
exec >"$here/${FILES.batch}" 2>&1 || exit 1
echo "\${SLURMD_NODENAME:-$(uname -n)}" >"$here/${FILES.node}.new"
uname -m >>"$here/${FILES.node}.new"
grep -m 1 -E '^(flags|Features)' /proc/cpuinfo >>"$here/${FILES.node}.new"
mv "$here/${FILES.node}.new" "$here/${FILES.node}"
pipe=$(mktemp -d) && mkfifo "$pipe/in" || exit 1
sh "$here/${FILES.worker}" <"$pipe/in" >"$here/${FILES.output}" 2>"$here/${FILES.errors}" &
worker=$!
exec 3>"$pipe/in"
cat "$here/${FILES.job}" >&3
watch() {
  asked= last= silent=0
  while true; do
    why=
    ls "$key" >/dev/null 2>&1 # a network's file system then looks anew
    if [ ! -d "$scratch" ] && [ -d "$all" ]; then
      why="its scratch was taken over"
    elif [ "$silent" -ge ${silentSeconds} ]; then
      why="it had not heard from its pipeline for ${silentSeconds} s"
    fi
    if [ -n "$why" ]; then
      echo "$why" >"$here/${FILES.gaveUp}"
      kill -KILL "$worker"
    elif [ -e "$here/${FILES.end}" ]; then
      kill -KILL "$worker"
    elif [ -e "$here/${FILES.stop}" ] && [ -z "$asked" ]; then
      asked=yes
      kill -TERM "$worker"
    fi
    count=$(cat "$here/${FILES.alive}" 2>/dev/null)
    if [ "$count" = "$last" ]; then silent=$((silent + 1)); else silent=0; fi
    last=$count
    sleep 1
  done
}
watch 3>&- &
watcher=$!
trap 'kill -TERM "$worker"' TERM
wait "$worker"
code=$?
while kill -0 "$worker" 2>/dev/null; do
  wait "$worker"
  code=$?
done
kill "$watcher"
rm -rf "$pipe"
echo "$code" >"$here/${FILES.exit}.new"
mv "$here/${FILES.exit}.new" "$here/${FILES.exit}"
exit "$code"
`;
}

/** The store's scratch, too: where that cannot be seen, it says nothing that a key's cannot. */
function placeOf({ folder, scratch }: { folder: string; scratch: string }, i: number): string {
  const key = dirname(scratch);
  const paths = { here: folder, scratch, key, all: dirname(key) };
  const words = Object.entries(paths).map(([name, path]) => `${name}=${shellWord(path)}`);
  return `${i}) ${words.join(" ")} ;;`;
}

/**
 * What `sbatch` is told of a job, but for what a person adds.
 *
 * @param variables names of the environment variables that its worker gets: their values go with
 * `sbatch`'s own environment, never among its words, which other users could read
 */
export function sbatchArguments(job: StageJob, variables: readonly string[]): string[] {
  const { cores, gpus = 0, processes = 1 } = job.resources;
  return [
    `--job-name=ballast-${job.stage}`,
    "--nodes=1",
    `--ntasks=${processes}`,
    `--cpus-per-task=${Math.ceil(cores / processes)}`,
    // A quarter more than foreseen, and what a process takes before it does anything.
    ...job.memory === undefined ? [] : [`--mem=${Math.ceil(job.memory * 1.25) + 256}M`],
    ...gpus > 0 ? [`--gres=gpu:${gpus}`] : [],
    `--export=${variables.join(",")}`,
    "--no-requeue", // the pipeline submits again, with empty outputs
    `--signal=B:TERM@${WARNING_SECONDS}`,
    "--output=/dev/null",
    "--chdir=/",
  ];
}
