import { join } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { count } from "../../cli/options.ts";
import { PROJECT_FOLDER, userPath } from "../../cli/project.ts";
import { InputError, type Problem } from "../../core/problem.ts";

/** Where the peers' Python is looked for unless --python says otherwise. */
const PEERS_FOLDER = join(PROJECT_FOLDER, "bench", ".peers");

const HOW_TO_INSTALL = `The peers (PyTorch, PEFT, TRL) live in a Python 3.11 of their own:

  python3 -m venv bench/.peers
  bench/.peers/bin/pip install torch==2.13.0
  bench/.peers/bin/pip install -r bench/peers/requirements.txt

Or name another one that has them by --python.`;

/** Options of `deno task bench training`. */
export type BenchOptions = ReturnType<ReturnType<typeof command>["opts"]>;

function sharedFolder(...path: string[]): string {
  return join(PROJECT_FOLDER, "..", "shared", ...path);
}

function command() {
  return new Command("deno task bench training")
    .description(
      "Trains the same pairs with Ballast, PyTorch and TRL in turn, and prints speed, memory, time.",
    )
    .option("--data <folder>", "folder with train_prefs.jsonl", sharedFolder("data/ultrafeedback"))
    .option(
      "--tokenizer <folder>",
      "folder with tokenizer.json",
      sharedFolder("models/smollm2_tokenizer"),
    )
    .option("--python <path>", "Python with the peers", join(PEERS_FOLDER, "bin", "python"))
    .option("--systems <list>", "such as ballast@huge,eager,trl@none; default: all")
    .option("--batch-pairs <count>", "pairs a step", count, 4)
    .option("--steps <count>", "measured steps", count, 6)
    .option("--warmup-steps <count>", "steps before them", count, 2)
    .option("--rounds <count>", "processes of each system", count, 3)
    .option("--threads <count>", "threads of each system", count, 2)
    .option("--lora <rank>", "adapters on every matrix of the blocks, in place of full", count)
    .addOption(
      new Option("--model <shape>", "small is for trying the command").choices(
        ["smollm2-135m", "small"] as const,
      ).default("smollm2-135m" as const),
    )
    .option("--check", "three steps of each system: their losses must agree", false)
    .addOption(
      new Option("--equal <shape>", "the prototype's shape, equal lengths, random tokens").choices(
        ["a", "b", "c"] as const,
      ),
    )
    .option("--prototype <folder>", "with --equal: the prototype itself is measured too")
    .option("--scaling", "cost of a token against model size and against length", false)
    .option(
      "--out <folder>",
      "with --scaling: folder for the figures",
      join(PROJECT_FOLDER, "bench", ".work"),
    )
    .addHelpText("after", `\n${HOW_TO_INSTALL}`);
}

/** The options of a command line; Commander prints help and what is wrong, and ends the process. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const options = command().parse([...args], { from: "user" }).opts();
  checkTogether(options);
  return {
    ...options,
    data: userPath(options.data),
    tokenizer: userPath(options.tokenizer),
    python: userPath(options.python),
    out: userPath(options.out),
  };
}

/** Refuses options that do not go together. */
function checkTogether({ prototype, equal, lora, scaling, check }: BenchOptions): void {
  const problems: Problem[] = [];
  const report = (path: string, message: string) => problems.push({ path, message });
  if (prototype !== undefined && equal === undefined) {
    report("--prototype", "Expected --equal a, b or c beside it: the prototype knows no pairs.");
  }
  if (prototype !== undefined && lora !== undefined) {
    report("--prototype", "Expected no --lora beside it.");
  }
  if (scaling && (equal !== undefined || check)) {
    report("--scaling", "Expected neither --equal nor --check beside it.");
  }
  if (problems.length > 0) throw new InputError(problems);
}

/**
 * Checks that what the options name is there.
 *
 * @throws InputError with all that is missing, and how to get it
 */
export function requireFiles(
  paths: { readonly [option in "data" | "tokenizer" | "python"]?: string },
): void {
  const help = {
    data: "Expected a folder with train_prefs.jsonl (UltraFeedback binarized: prompt, chosen, " +
      "rejected) but found none. Name it by --data.",
    tokenizer: "Expected a folder with SmolLM2's tokenizer.json but found none. Name it by " +
      "--tokenizer.",
    python: `Expected a Python with the peers but found none.\n${HOW_TO_INSTALL}`,
  };
  const files = { data: "train_prefs.jsonl", tokenizer: "tokenizer.json", python: "" };
  const problems = (Object.keys(help) as (keyof typeof help)[]).flatMap((option) => {
    const path = paths[option] === undefined ? null : join(paths[option], files[option]);
    return path === null || exists(path) ? [] : [{ path, message: help[option] }];
  });
  if (problems.length > 0) throw new InputError(problems);
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}
