import { join } from "node:path";
import { lastLine, runProgram } from "../run_program.ts";
import { MALLOCS } from "../training/systems.ts";
import type { TokenizeJob, TokenizeResult } from "./job.ts";

/** A program that tokenizes, or its Python. */
export type Worker = { readonly name: "ballast" } | {
  readonly name: "datasets";
  readonly python: string;
};

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
  const { stdout } = await runProgram({
    name: worker.name,
    program,
    args: [...args, JSON.stringify(job)],
    env: worker.name === "ballast" ? MALLOCS.one : {},
  });
  return lastLine(stdout);
}
