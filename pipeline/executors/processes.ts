import { join } from "node:path";
import { ExpectedError } from "../../core/problem.ts";
import type { StageJob } from "../executor.ts";
import type { Resources } from "../stage.ts";

/** What MPICH calls its program: as Debian does where other MPIs may be, as MPICH itself does. */
const PROGRAMS = ["mpiexec.mpich", "mpiexec.hydra", "mpiexec"];

/** Keeps MPI's messages to the machine's memory: its processes open no sockets for each other. */
const IN_MEMORY = { UCX_TLS: "self,sm" } as const;

/** The variables that several processes of this machine get beside those of one. */
export function sharedVariables({ processes = 1 }: Resources): Record<string, string> {
  return processes === 1 ? {} : IN_MEMORY;
}

/** What mpiexec is told where all processes are on this machine. */
const HERE = ["-launcher", "fork", ...(Deno.build.os === "linux" ? ["-iface", "lo"] : [])];

/**
 * The words before those that start one process, for several ones that MPI joins. Input goes to the first
 * one alone, signals to all, and when one ends badly the others are ended.
 *
 * @param where `here` on this machine; `allocated` where Slurm, which mpiexec knows of, has room for them
 * @param path folders to look for the program in, parted by colons
 * @throws ExpectedError when MPICH is not there
 */
export function mpiexecWords(
  processes: number,
  where: "here" | "allocated",
  path: string = Deno.env.get("PATH") ?? "",
): string[] {
  const folders = path.split(":").filter((folder) => folder !== "");
  const places = PROGRAMS.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = places.find(isFile);
  if (found !== undefined) {
    return [found, ...(where === "here" ? HERE : []), "-n", String(processes)];
  }
  throw new ExpectedError(
    `Several processes need MPICH, whose mpiexec is not in PATH (Debian and Ubuntu: apt-get install mpich).`,
  );
}

/** Where all of several processes find the job. */
export function jobFile({ attempt }: Pick<StageJob, "attempt">): string {
  return join(attempt, ".job.json");
}

/** Lays the job down for all of several processes; one alone reads it from its input. */
export function writeJobFile(job: StageJob): void {
  if ((job.resources.processes ?? 1) > 1) Deno.writeTextFileSync(jobFile(job), JSON.stringify(job));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
