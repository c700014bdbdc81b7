/**
 * Tokenizes the same pairs with Ballast and with `datasets`, and reads both caches again.
 *
 *     deno task bench tokenize --help
 */
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { count } from "../../cli/options.ts";
import { printNotice, printResult } from "../../cli/output.ts";
import { PROJECT_FOLDER, userPath } from "../../cli/project.ts";
import { writePairs } from "../../data/pairs_file.ts";
import { readPreferenceRows } from "../../data/sources/preference_rows.ts";
import { requireFiles } from "../training/options.ts";
import { benchGrowth } from "./growth.ts";
import { compareTokenizers } from "./compare.ts";

function sharedFolder(path: string): string {
  return join(PROJECT_FOLDER, "..", "shared", path);
}

const HOW_TO_INSTALL = "The peer lives in a Python of its own: bench/README.md says how to get it.";

function parseOptions(args: readonly string[]) {
  return new Command("deno task bench tokenize")
    .description("Tokenizes the same pairs with Ballast and datasets.map, and reads both caches.")
    .option("--data <folder>", "folder with train_prefs.jsonl", sharedFolder("data/ultrafeedback"))
    .option(
      "--tokenizer <folder>",
      "folder with tokenizer.json",
      sharedFolder("models/smollm2_tokenizer"),
    )
    .option(
      "--python <path>",
      "Python with datasets and transformers",
      join(PROJECT_FOLDER, "bench", ".peers", "bin", "python"),
    )
    .option("--rows <count>", "pairs from the start of the file", count, 1000)
    .option("--rounds <count>", "processes of each system", count, 5)
    .option("--growth", "seconds and memory of Ballast for 7,500 to 60,000 synthetic pairs", false)
    .addHelpText("after", `\n${HOW_TO_INSTALL}`)
    .parse([...args], { from: "user" }).opts();
}

/** Runs the command; returns its exit code. */
export async function benchTokenize(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  const { rows, rounds, growth } = options;
  const [data, tokenizer, python] = [options.data, options.tokenizer, options.python].map(userPath);
  requireFiles(growth ? { tokenizer } : { data, tokenizer, python });
  const work = await Deno.makeTempDir({ prefix: "ballast-bench-" });
  const sizes = { maxLength: 1024, maxPromptLength: 512 };
  try {
    if (growth) {
      const faults = await benchGrowth({ tokenizer, ...sizes, work, reads: 1 });
      faults.forEach(printNotice);
      return faults.length === 0 ? 0 : 1;
    }
    const pairs = await copyRows(join(data, "train_prefs.jsonl"), work, rows);
    printResult(
      `${rows} pairs, ${sizes.maxLength} tokens at most, of which ${sizes.maxPromptLength} of a prompt`,
    );
    const job = { tokenizer, ...sizes, work, reads: 5 };
    const onRun = (told: string) => printNotice(told);
    printResult(`\n${await compareTokenizers(pairs, { job, python, rounds, onRun })}`);
    return 0;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** The first rows of a file, as Ballast's folder and as the peer's file. */
async function copyRows(path: string, work: string, limit: number) {
  const rows = await Array.fromAsync(readPreferenceRows(path, { limit }));
  const pairs = { ballast: join(work, "pairs"), datasets: join(work, "rows.jsonl") };
  await Deno.mkdir(pairs.ballast);
  await writePairs(pairs.ballast, rows);
  const lines = rows.map(({ prompt, chosen, rejected }) =>
    `${JSON.stringify({ prompt, chosen, rejected })}\n`
  );
  await Deno.writeTextFile(pairs.datasets, lines.join(""));
  return pairs;
}
