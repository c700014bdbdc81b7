/**
 * Scores AlpacaEval annotations with Ballast and with the alpaca_eval package.
 *
 *     deno task bench alpaca-eval --help
 */
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { count } from "../../cli/options.ts";
import { printNotice, printResult } from "../../cli/output.ts";
import { PROJECT_FOLDER, userPath } from "../../cli/project.ts";
import { InputError } from "../../core/problem.ts";
import { annotationsJson, readAnnotations } from "../../eval/alpaca_eval/annotations.ts";
import { compareScores, describe } from "./compare.ts";

function parseOptions(args: readonly string[]) {
  return new Command("deno task bench alpaca-eval")
    .description("Scores AlpacaEval annotations with Ballast and with the alpaca_eval package.")
    .option(
      "--data <folder>",
      "folder with annotations/, instruction_difficulty.jsonl and gamed_baselines.csv",
      join(PROJECT_FOLDER, "..", "shared", "data", "alpaca_eval"),
    )
    .option("--model <name>", "whose annotations", "claude-2.1")
    .option(
      "--python <path>",
      "Python with alpaca_eval",
      join(PROJECT_FOLDER, "bench", ".peers", "bin", "python"),
    )
    .option("--rounds <count>", "processes of each system", count, 5)
    .addHelpText("after", "\nbench/README.md says how to get the peer.")
    .parse([...args], { from: "user" }).opts();
}

/** Runs the command; returns its exit code. */
export async function benchAlpacaEval(args: readonly string[]): Promise<number> {
  const { model, rounds, ...options } = parseOptions(args);
  const [data, python] = [options.data, options.python].map(userPath);
  const job = {
    annotations: join(data, "annotations", `${model}.json.gz`),
    difficulty: join(data, "instruction_difficulty.jsonl"),
    gamed: join(data, "gamed_baselines.csv"),
    times: 5,
  };
  requirePeer(python);
  const rows = await readAnnotations(job.annotations);
  const onRun = (told: string) => printNotice(told);
  printResult(`${model}: ${rows.length} rows`);
  printResult(`\n${describe(await compareScores(job, { python, rounds, onRun }))}`);
  const work = await Deno.makeTempDir({ prefix: "ballast-bench-" });
  try {
    const annotations = join(work, "annotations.json");
    const kept = rows.filter((_, i) => i !== 100 && i !== 300);
    await Deno.writeTextFile(annotations, annotationsJson(kept));
    await compareScores({ ...job, annotations }, { python, rounds: 1, onRun });
    printResult("\nWithout rows 101 and 301 both give the same rates, difficulty by position.");
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  return 0;
}

function requirePeer(python: string): void {
  try {
    if (Deno.statSync(python).isFile) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const message =
    "Expected a Python with alpaca_eval but found none; bench/README.md says how to " +
    "get it.";
  throw new InputError([{ path: python, message }]);
}
