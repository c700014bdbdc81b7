import { join } from "node:path";
import { ExpectedError } from "../../core/problem.ts";
import { PROJECT_FOLDER } from "../../cli/project.ts";
import { type Job, parseResult, RPO, type WorkerResult } from "./job.ts";
import { MALLOCS, type System } from "./systems.ts";
import type { Workload } from "./workload.ts";

/** What systems need beside a workload. */
export interface Surroundings {
  /** Python with the packages of bench/peers/requirements.txt. */
  readonly python: string;
  readonly tokenizer: string;
  readonly lora: Job["lora"];
}

/** A worker's result, and when its process began. */
export interface SystemRun extends WorkerResult {
  /** Time of day in milliseconds. */
  readonly startedAt: number;
}

/** Lines of a failed worker's output that are worth showing. */
const TAIL = 25;

/**
 * Runs one system on a workload, in a process of its own.
 *
 * @throws ExpectedError with the end of what the worker printed when it fails
 */
export async function runSystem(
  system: System,
  workload: Workload,
  { python, tokenizer, lora }: Surroundings,
): Promise<SystemRun> {
  const job: Job = {
    ...RPO,
    ...workload.sizes,
    model: workload.model,
    pairs: workload.pairs[system.order],
    tokenizer,
    lora,
    compile: system.compile,
  };
  const [program, ...args] = commandOf(system, python);
  const command = new Deno.Command(program, {
    args: [...args, JSON.stringify(job)],
    cwd: PROJECT_FOLDER,
    env: { ...MALLOCS[system.malloc], OMP_NUM_THREADS: String(job.threads) },
    stdout: "piped",
    stderr: "piped",
  });
  const startedAt = performance.timeOrigin + performance.now();
  const output = await command.output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  const result = output.success ? parseResult(stdout) : null;
  if (result !== null) return { ...result, startedAt };
  const tail = `${stdout}\n${stderr}`.trimEnd().split("\n").slice(-TAIL).join("\n");
  throw new ExpectedError(`${system.name} failed (exit code ${output.code}):\n${tail}`);
}

/** Program and arguments of a system's worker. */
function commandOf({ program }: System, python: string): string[] {
  if (program !== "ballast") return [python, join("bench", "peers", `${program}_worker.py`)];
  return [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--allow-read",
    "--allow-run=cat",
    "--allow-env",
    "--allow-sys",
    "--allow-ffi",
    "bench/training/ballast_worker.ts",
  ];
}
