/**
 * Measures how training gains from more processes on this machine.
 *
 *     deno task bench mpi --help
 */
import { availableParallelism } from "node:os";
import { Command, Option } from "@commander-js/extra-typings";
import { count } from "../../cli/options.ts";
import { printNotice, printResult } from "../../cli/output.ts";
import { alignColumns } from "../../core/align_columns.ts";
import { ExpectedError } from "../../core/problem.ts";
import { mpiexecWords, sharedVariables } from "../../pipeline/executors/processes.ts";
import { lastLine, runProgram } from "../run_program.ts";
import { othersDuring } from "../training/others_load.ts";
import { MALLOCS } from "../training/systems.ts";
import { spreadOf } from "../training/table.ts";
import type { MpiFigures, MpiJob } from "./job.ts";

/** How many processes are measured. */
const PROCESSES = [1, 2, 4];

/** How far losses of unequal numbers of processes may lie apart. */
const TOLERANCE = 1e-4;

const program = new Command("bench mpi")
  .description("Seconds of a training step in 1, 2 and 4 processes, and the memory of each.")
  .option("--lora <rank>", "an adapter of this rank instead of all weights", count)
  .option("--batch-pairs <n>", "pairs a step", count, 8)
  .option("--length <n>", "tokens of a prompt with its reply", count, 128)
  .option("--steps <n>", "steps that count", count, 3)
  .option("--threads <n>", "threads of each process", count, 1)
  .addOption(
    new Option("--model <name>", "SmolLM2-135M's shape, or one to try the command with")
      .choices(["135m", "small"] as const).default("135m" as const),
  );

/** Measures and prints a table; gives the exit code. */
export async function benchMpi(args: readonly string[]): Promise<number> {
  program.parse(args, { from: "user" });
  const { lora = null, ...options } = program.opts();
  const cores = availableParallelism();
  const rows: Row[] = [];
  for (const processes of PROCESSES) {
    const job = { ...options, lora, processes, warmupSteps: 1 };
    const { result, otherCores } = await othersDuring(() => measure(job));
    rows.push({ processes, otherCores, ...result });
    const { median } = spreadOf(result.seconds);
    printNotice(`${processes}: ${median.toPrecision(3)} s, ${otherCores.toFixed(2)} other cores`);
  }
  for (const { loss } of rows) {
    if (Math.abs(loss / rows[0].loss - 1) <= TOLERANCE) continue;
    throw new ExpectedError(`Expected a loss of ${rows[0].loss} but found ${loss}.`);
  }
  printResult(alignColumns(table(rows, { cores, threads: options.threads })));
  return 0;
}

interface Row extends MpiFigures {
  readonly processes: number;
  readonly otherCores: number;
}

async function measure(job: MpiJob): Promise<MpiFigures> {
  const worker = new URL("worker.ts", import.meta.url).pathname;
  const permissions = ["--allow-read", "--allow-run=cat", "--allow-env", "--allow-ffi"];
  const words = [Deno.execPath(), "run", "--no-prompt", "--cached-only", ...permissions, worker];
  const { processes } = job;
  const start = processes === 1 ? [] : mpiexecWords(processes, "here");
  const [program, ...args] = [...start, ...words, JSON.stringify(job)];
  const env = { ...sharedVariables({ cores: processes, processes }), ...MALLOCS.one };
  const name = `${processes} processes`;
  return lastLine<MpiFigures>((await runProgram({ name, program, args, env })).stdout);
}

/** Efficiency is speed-up over processes, and over the cores that they can have. */
function table(
  rows: readonly Row[],
  { cores, threads }: { readonly cores: number; readonly threads: number },
): string[][] {
  const alone = spreadOf(rows[0].seconds).median;
  const head = [
    ...["processes", "s a step", "least", "most", "speed-up", "of processes", `of ${cores} cores`],
    ...["peak MB of each", "other cores"],
  ];
  return [
    head,
    ...rows.map(({ processes, seconds, peakBytes, otherCores }) => {
      const { median, low, high } = spreadOf(seconds);
      const gain = alone / median;
      const possible = Math.min(processes, Math.max(1, cores / threads));
      return [
        String(processes),
        ...[median, low, high].map((value) => value.toPrecision(3)),
        gain.toFixed(2),
        `${(100 * gain / processes).toFixed(0)}%`,
        `${(100 * gain / possible).toFixed(0)}%`,
        peakBytes.map((bytes) => (bytes / 1e6).toFixed(0)).join(" "),
        otherCores.toFixed(2),
      ];
    }),
  ];
}
