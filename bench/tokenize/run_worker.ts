import { join } from "node:path";
import { PROJECT_FOLDER } from "../../cli/project.ts";
import { ExpectedError } from "../../core/problem.ts";
import { MALLOCS } from "../training/systems.ts";
import type { TokenizeJob, TokenizeResult } from "./job.ts";

/** A program that tokenizes, or its Python. */
export type Worker = { readonly name: "ballast" } | {
  readonly name: "datasets";
  readonly python: string;
};

/** Lines of a failed worker's output that are worth showing. */
const TAIL = 25;

/**
 * Runs a worker in a process of its own, Ballast's with the memory settings of its stages.
 *
 * @param v8Flags for Ballast's, such as `--max-semi-space-size=2`
 * @throws ExpectedError with the end of what the worker printed when it fails
 */
export async function runWorker(
  worker: Worker,
  job: TokenizeJob,
  v8Flags: readonly string[] = [],
): Promise<TokenizeResult> {
  const [program, ...args] = worker.name === "datasets"
    ? [worker.python, join("bench", "peers", "datasets_worker.py")]
    : [
      Deno.execPath(),
      ...["run", "--no-prompt", "--allow-read", `--allow-write=${job.work}`, "--allow-run=cat"],
      ...(v8Flags.length > 0 ? [`--v8-flags=${v8Flags.join(",")}`] : []),
      ...["--allow-env", "--allow-ffi", "bench/tokenize/ballast_worker.ts"],
    ];
  const command = new Deno.Command(program, {
    args: [...args, JSON.stringify(job)],
    cwd: PROJECT_FOLDER,
    env: worker.name === "ballast" ? MALLOCS.one : {},
    stdout: "piped",
    stderr: "piped",
  });
  const { success, code, ...output } = await command.output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  if (success) return JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);
  const tail = `${stdout}\n${stderr}`.trimEnd().split("\n").slice(-TAIL).join("\n");
  throw new ExpectedError(`${worker.name} failed (exit code ${code}):\n${tail}`);
}
