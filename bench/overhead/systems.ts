import { join } from "node:path";
import { ExpectedError } from "../../core/problem.ts";
import { runProgram } from "../run_program.ts";
import {
  CHANGED,
  changeDvc,
  changeSnakemake,
  STAGES_A_PART,
  STAGES_CHANGED,
  valueOf,
  writeDvcProject,
  writeRecipe,
  writeSnakefile,
} from "./dag.ts";

/** A pipeline program over the graph of `dag.ts`; each call is a process of its own. */
export interface System {
  /** Writes the project and nothing that was ever run. */
  prepare(): Promise<void>;
  /** Runs all stages, of which none has run. @returns seconds of the process */
  build(): Promise<number>;
  /** Runs when nothing is to do. @returns seconds */
  noOp(): Promise<number>;
  /** Says what would run after the change numbered `round`, and runs nothing. @returns seconds */
  plan(round: number): Promise<number>;
  /** Runs after that change. @returns seconds */
  change(round: number): Promise<number>;
}

/** Where things are, and how large the graph is. */
export interface Sitting {
  /** An empty folder for all projects. */
  readonly folder: string;
  /** Each has `STAGES_A_PART` stages. */
  readonly parts: number;
  /** The folder with the programs `dvc` and `snakemake`. */
  readonly programs: string;
  /** Stages at once, where the program can do that. */
  readonly cores: number;
}

/** Requires that a call ran as many stages as it should: the same work is measured of all. */
function requireRan(name: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new ExpectedError(`Expected ${name} to run ${expected} stages but it ran ${found}.`);
}

/** Ballast through `deno task`, as a person calls it. */
export function ballastSystem({ folder, parts, cores }: Sitting): System {
  const place = join(folder, "ballast");
  const call = async (command: string, ...more: string[]) => {
    const { stdout, seconds } = await runProgram({
      name: `ballast ${command}`,
      program: Deno.execPath(),
      args: [
        ...["task", "-q", "ballast", command, "--recipe", join(place, "overhead.yaml")],
        ...["--store", join(place, "store"), "--json", ...more],
      ],
    });
    return { document: JSON.parse(stdout), seconds };
  };
  const run = async (expected: number, ...more: string[]) => {
    const options = ["--cores", String(cores), "--progress", "none", ...more];
    const { document, seconds } = await call("reproduce", ...options);
    requireRan("ballast", document.ran.length, expected);
    return seconds;
  };
  const set = (round: number) => ["--set", `tokenizer-1.${CHANGED}=${valueOf(1, round)}`];
  return {
    prepare: () => writeRecipe(place, parts),
    build: () => run(parts * STAGES_A_PART),
    noOp: () => run(0),
    plan: async (round) => (await call("plan", ...set(round))).seconds,
    change: (round) => run(STAGES_CHANGED, ...set(round)),
  };
}

/** DVC without version control, analytics and the question for updates. */
export function dvcSystem({ folder, parts, programs }: Sitting): System {
  const place = join(folder, "dvc");
  const call = (...args: string[]) =>
    runProgram({
      name: `dvc ${args[0]}`,
      program: join(programs, "dvc"),
      args: ["--cd", place, ...args],
      env: { DVC_NO_ANALYTICS: "1" },
    });
  const repro = async (expected: number) => {
    const { stdout, seconds } = await call("repro");
    requireRan("dvc", stdout.match(/^Running stage/gm)?.length ?? 0, expected);
    return seconds;
  };
  return {
    async prepare() {
      await writeDvcProject(place, parts);
      await call("init", "--no-scm", "--quiet");
      await call("config", "core.analytics", "false");
      await call("config", "core.check_update", "false");
    },
    build: () => repro(parts * STAGES_A_PART),
    noOp: () => repro(0),
    async plan(round) {
      await changeDvc(place, round);
      return (await call("status")).seconds;
    },
    async change(round) {
      await changeDvc(place, round);
      return await repro(STAGES_CHANGED);
    },
  };
}

/** Snakemake with as many jobs at once as there are cores. */
export function snakemakeSystem({ folder, parts, programs, cores }: Sitting): System {
  const place = join(folder, "snakemake");
  const call = (...args: string[]) =>
    runProgram({
      name: "snakemake",
      program: "/bin/sh",
      // What it says of each job goes to standard error.
      args: [
        ...["-c", 'exec "$@" 2>&1', "sh", join(programs, "snakemake")],
        ...["--snakefile", join(place, "Snakefile"), "--directory", place, ...args],
      ],
    });
  const run = async (expected: number) => {
    const { stdout, seconds } = await call("--cores", String(cores));
    requireRan("snakemake", stdout.match(/^Finished jobid: [1-9]/gm)?.length ?? 0, expected);
    return seconds;
  };
  return {
    prepare: () => writeSnakefile(place, parts),
    build: () => run(parts * STAGES_A_PART),
    noOp: () => run(0),
    async plan(round) {
      await changeSnakemake(place, parts, round);
      return (await call("--dry-run")).seconds;
    },
    async change(round) {
      await changeSnakemake(place, parts, round);
      return await run(STAGES_CHANGED);
    },
  };
}
