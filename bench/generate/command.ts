/**
 * Generates replies to the same prompts with Ballast and with `transformers`.
 *
 *     deno task bench generate --help
 */
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { count } from "../../cli/options.ts";
import { printNotice, printResult } from "../../cli/output.ts";
import { PROJECT_FOLDER, userPath } from "../../cli/project.ts";
import { Random } from "../../core/random.ts";
import { requireFiles } from "../training/options.ts";
import { configOf, SMOLLM2_135M } from "../training/shapes.ts";
import { modelFolder } from "../training/workload.ts";
import { compareGenerators, describe } from "./compare.ts";

function parseOptions(args: readonly string[]) {
  return new Command("deno task bench generate")
    .description("Generates replies with Ballast and transformers, greedily, 135M shape.")
    .option("--batch <count>", "prompts that are continued together", count, 8)
    .option("--prompt-tokens <count>", "tokens of each prompt", count, 64)
    .option("--new-tokens <count>", "tokens of each reply", count, 128)
    .option("--threads <count>", "threads of each system", count, 2)
    .option(
      "--python <path>",
      "Python with transformers",
      join(PROJECT_FOLDER, "bench", ".peers", "bin", "python"),
    )
    .option("--rounds <count>", "processes of each system", count, 3)
    .addHelpText("after", "\nbench/README.md says how to get the peer.")
    .parse([...args], { from: "user" }).opts();
}

/** Runs the command; returns its exit code. */
export async function benchGenerate(args: readonly string[]): Promise<number> {
  const { batch, promptTokens, newTokens, threads, rounds, ...options } = parseOptions(args);
  const python = userPath(options.python);
  requireFiles({ python });
  const config = configOf(SMOLLM2_135M);
  const random = Random.seeded(0, "bench-generate");
  const token = () => Math.floor(random.uniform() * config.vocabSize);
  const prompts = Array.from({ length: batch }, () => Array.from({ length: promptTokens }, token));
  const job = { model: await modelFolder(config), prompts, newTokens, threads, times: 3 };
  printResult(
    `${batch} prompts of ${promptTokens} tokens, ${newTokens} new ones, ${threads} threads`,
  );
  const onRun = (told: string) => printNotice(told);
  printResult(`\n${describe(await compareGenerators(job, { python, rounds, onRun }))}`);
  return 0;
}
