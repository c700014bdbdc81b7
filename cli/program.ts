import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { parseCoefficients, parseLoss } from "./loss_option.ts";
import { printNotice, printResult } from "./output.ts";
import { userPath } from "./project.ts";

/** The version of Ballast; CHANGELOG.md says what it holds. */
const VERSION = "0.1.0";

const several = (value: string, previous: string[] = []) => [...previous, value];

function count(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError("Expected an integer greater than 0.");
  }
  return number;
}

function fraction(value: string): number {
  const number = Number(value);
  if (!Number.isFinite(number) || number < 0) {
    throw new InvalidArgumentError("Expected a number of at least 0.");
  }
  return number;
}

function list(value: string): string[] {
  return value.split(",").map((item) => item.trim());
}

/** A folder, or a path where none is yet. */
function storeFolder(value: string): string {
  const path = userPath(value);
  try {
    if (Deno.statSync(path).isDirectory) return value;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return value;
    throw new InvalidArgumentError(`${path} cannot be used: ${(error as Error).message}.`);
  }
  throw new InvalidArgumentError(`Expected a folder but found a file at ${path}.`);
}

function recipeOption() {
  return new Option("--recipe <name>", "a recipe's name, or a YAML file").default("tiny");
}

function setOption() {
  return new Option("--set <stage.param=value>", "change a parameter; may be given again")
    .argParser(several).default([] as string[], "none");
}

function storeOption() {
  return new Option("--store <folder>", "the store (default: .ballast in the project)")
    .argParser(storeFolder);
}

function jsonOption() {
  return new Option("--json", "print one JSON document on standard output").default(false);
}

/** The whole command line. Commands load what they need when they are called. */
export function program(): Command {
  const root = new Command("ballast")
    .description("Regularized Preference Optimization, from data to tables.")
    .version(VERSION)
    .showHelpAfterError("(ballast --help shows how it is used)")
    .configureOutput({
      writeOut: (text) => printResult(text),
      writeErr: (text) => printNotice(text),
    })
    .exitOverride();
  addRunCommands(root);
  addPlanCommands(root);
  addListCommands(root);
  addStoreCommands(root);
  addModelCommands(root);
  for (const command of root.commands) {
    command.exitOverride().configureOutput(root.configureOutput());
  }
  return root as unknown as Command;
}

function withSelection(command: Command) {
  return command
    .addOption(recipeOption())
    .addOption(setOption())
    .addOption(storeOption())
    .option("--from <stage>", "these stages and all that follows from them", several)
    .option("--only <stage>", "these stages alone; what they need must be cached", several);
}

function withRunOptions(command: Command) {
  return withSelection(command)
    .option("--accept <stage>", "keep the result of a stage whose code was edited", several)
    .option("--cores <n>", "cores to use at once (default: all)", count)
    .addOption(
      new Option("--progress <style>", "how progress is shown on standard error")
        .choices(["auto", "terminal", "plain", "ndjson", "none"] as const).default("auto" as const),
    )
    .addOption(jsonOption());
}

function addRunCommands(root: Command): void {
  withRunOptions(root.command("reproduce"))
    .description("Run a recipe from data to reports, and print its table.")
    .option("--to <stage>", "stop after these stages; may be given again", several)
    .addHelpText(
      "after",
      `
Examples:
  deno task reproduce
  deno task reproduce --set train.beta=0.2
  deno task reproduce --recipe ultrafeedback-small --set data.path=DIR`,
    )
    .action(async (options) => {
      const { reproduce } = await import("./commands/reproduce.ts");
      Deno.exitCode = await reproduce(options);
    });
  withRunOptions(root.command("run"))
    .description("Run the named stages and what they need.")
    .argument("<stage...>", "entries (train), parts of them (train/dpo) or ids (train/dpo@seed=1)")
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast run train/dpo
  deno task ballast run report --only report`,
    )
    .action(async (to, options) => {
      const { reproduce } = await import("./commands/reproduce.ts");
      Deno.exitCode = await reproduce({ ...options, to });
    });
}

function addPlanCommands(root: Command): void {
  withSelection(root.command("plan"))
    .description("Say which stages are cached, stale or missing, and why. Writes nothing.")
    .option("--to <stage>", "up to these stages", several)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast plan
  deno task ballast plan --set train.beta=0.2 --json`,
    )
    .action(async (options) => {
      const { plan } = await import("./commands/plan.ts");
      await plan(options);
    });
  root.command("explain")
    .description("Say why a stage would run: each field of its key that changed.")
    .argument("<stage...>", "entries, parts of them or ids")
    .addOption(recipeOption()).addOption(setOption()).addOption(storeOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  deno task ballast explain train --set train.beta=0.2")
    .action(async (names, options) => {
      const { explain } = await import("./commands/plan.ts");
      await explain(names, options);
    });
}

function addListCommands(root: Command): void {
  root.command("recipes")
    .description("List the recipes that come with the project.")
    .addOption(jsonOption())
    .action(async (options) => {
      const { listRecipes } = await import("./commands/stages.ts");
      listRecipes(options);
    });
  root.command("stages")
    .description("List the stages, or the ports and parameters of one.")
    .argument("[stage]", "a stage's name, such as train")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  deno task ballast stages train")
    .action(async (name, options) => {
      const { listStages } = await import("./commands/stages.ts");
      listStages(name, options);
    });
}

function addStoreCommands(root: Command): void {
  root.command("status")
    .description("What the store holds: runs, sizes, who is running.")
    .addOption(storeOption()).addOption(jsonOption())
    .option("--sql <query>", "query the catalog (tables: ballast status --sql 'show tables')")
    .action(async (options) => {
      const { status } = await import("./commands/status.ts");
      await status(options);
    });
  root.command("diff")
    .description("What differs between two runs: parameters, code, artifacts, numbers.")
    .argument("<a>", "a run's number, latest or previous").argument("<b>", "another")
    .option("--tolerance <relative>", "relative tolerance for numbers", fraction, 0)
    .addOption(storeOption()).addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  deno task ballast diff previous latest --tolerance 1e-6")
    .action(async (a, b, options) => {
      const { diff } = await import("./commands/diff.ts");
      await diff(a, b, options);
    });
  root.command("verify")
    .description("Check every byte in the store against its digest.")
    .option("--deep", "recompute logical digests too", false)
    .option("--repair", "move what is damaged to quarantine, so that it is made again", false)
    .option("--rebuild", "make the catalog again", false)
    .addOption(storeOption()).addOption(jsonOption())
    .action(async (options) => {
      const { verify } = await import("./commands/verify.ts");
      Deno.exitCode = await verify(options);
    });
  root.command("gc")
    .description("List what no kept run needs; remove it with --delete.")
    .option("--delete", "remove it", false)
    .option(
      "--keep <runs>",
      "keep the newest so many runs (default: the last of each recipe)",
      count,
    )
    .addOption(storeOption()).addOption(jsonOption())
    .action(async (options) => {
      const { gc } = await import("./commands/gc.ts");
      await gc(options);
    });
  root.command("doctor")
    .description("Check that this machine has what Ballast needs.")
    .addOption(storeOption()).addOption(jsonOption())
    .action(async (options) => {
      const { doctor } = await import("./commands/doctor.ts");
      Deno.exitCode = await doctor(options);
    });
}

function addModelCommands(root: Command): void {
  root.command("logps")
    .description("Summed log-probabilities of the replies of preference pairs under a model.")
    .requiredOption("--model <path>", "a Hugging Face folder or a GGUF file")
    .option("--adapter <folder>", "a LoRA adapter to the model, in PEFT's format")
    .requiredOption("--pairs <file>", "rows {prompt, chosen, rejected} as JSON lines")
    .requiredOption("--max-length <n>", "tokens of prompt and reply together", count)
    .requiredOption("--max-prompt-length <n>", "tokens a prompt keeps when that is exceeded", count)
    .option("--threads <n>", "threads (default: all cores)", count)
    .addOption(jsonOption())
    .action(async (options) => {
      const { logps } = await import("./commands/logps.ts");
      Deno.exitCode = await logps(options);
    });
  addTrainCommand(root);
  addGenerateCommand(root);
}

function addGenerateCommand(root: Command): void {
  root.command("generate")
    .description("Let a model reply to prompts, greedily unless a temperature is given.")
    .requiredOption("--model <path>", "a Hugging Face folder or a GGUF file")
    .option("--adapter <folder>", "a LoRA adapter to the model, in PEFT's format")
    .option(
      "--prompts <file>",
      "rows {prompt} as JSON lines, texts or messages; - for standard input",
    )
    .option("--prompt <text>", "a prompt; may be given again (default: standard input)", several)
    .option("--system <text>", "a system message before every prompt")
    .option("--template <file>", "a chat template in Jinja instead of the model's own")
    .option("--max-new-tokens <n>", "most tokens of a reply", count, 256)
    .option(
      "--max-prompt-length <n>",
      "last tokens that a longer prompt keeps (default: what the model has positions for)",
      count,
    )
    .option("--temperature <number>", "draw tokens at this temperature", fraction)
    .option("--top-p <number>", "draw from the tokens that hold this probability", fraction)
    .option("--top-k <n>", "draw from so many of the likeliest tokens", count)
    .option("--seed <n>", "seed of the drawn tokens", fraction, 0)
    .option("--samples <n>", "replies to each prompt", count, 1)
    .option("--out <file>", "write the replies there as JSON lines")
    .option("--threads <n>", "threads (default: all cores)", count)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast generate --model M.gguf --prompt "What is ballast?"
  deno task ballast generate --model M --prompts prompts.jsonl --out replies.jsonl \\
    --temperature 0.7 --top-p 0.95 --samples 4
  echo "Say hello." | deno task ballast generate --model M --system "You are terse." --json`,
    )
    .action(async (options) => {
      const { generate } = await import("./commands/generate.ts");
      Deno.exitCode = await generate(options);
    });
}

function addTrainCommand(root: Command): void {
  root.command("train")
    .description("Train a model on preference pairs.")
    .requiredOption("--model <path>", "a Hugging Face folder or a GGUF file to start from")
    .requiredOption("--pairs <file>", "rows {prompt, chosen, rejected} as JSON lines")
    .requiredOption("--out <folder>", "where the trained model goes; new or empty")
    .addOption(
      new Option("--loss <loss>", "dpo, rpo, ipo, hinge, sft, or a file with a loss of one's own")
        .argParser(parseLoss).makeOptionMandatory(),
    )
    .option("--coefficients <record>", "those of a file's loss: {beta: 2}", parseCoefficients)
    .option("--beta <number>", "temperature of the preference loss", fraction)
    .option(
      "--eta <number>",
      "weight of the SFT loss: η for sum, the coefficient for means",
      fraction,
    )
    .addOption(
      new Option("--sft <normalisation>", "how the SFT loss is normalised")
        .choices(["sum", "sequence_mean", "token_mean"] as const),
    )
    .requiredOption("--lr <number>", "peak learning rate", fraction)
    .requiredOption("--steps <n>", "optimiser steps", count)
    .requiredOption("--batch-pairs <n>", "pairs a step", count)
    .option("--micro-batch-pairs <n>", "most pairs held in memory at once", count)
    .option("--gradient-checkpointing", "less memory: compute layers twice", false)
    .option("--lora-rank <n>", "train a new LoRA adapter of this rank; --out is PEFT's", count)
    .option("--lora-alpha <number>", "its alpha (default: twice the rank)", fraction)
    .option("--lora-targets <list>", "q_proj,v_proj,… (default: all seven matrices)", list)
    .option("--adapter <folder>", "train on from this LoRA adapter, in PEFT's format")
    .addOption(
      new Option("--schedule <schedule>", "learning rate over the steps")
        .choices(["constant", "linear", "cosine"] as const).default("constant" as const),
    )
    .option("--warmup-steps <n>", "steps of linear warm-up", fraction, 0)
    .option("--max-grad-norm <number>", "clip the global gradient norm", fraction, 1)
    .option(
      "--gradient-share-steps <n>",
      "measure each loss part's gradient every so many steps (default: never)",
      count,
    )
    .option("--weight-decay <number>", "decoupled weight decay", fraction, 0)
    .requiredOption("--max-length <n>", "tokens of prompt and reply together", count)
    .requiredOption("--max-prompt-length <n>", "tokens a prompt keeps when that is exceeded", count)
    .option(
      "--reference <path>",
      "the reference model (default: --model, with --adapter, before training)",
    )
    .option("--resume", "continue from the checkpoint of an interrupted call", false)
    .option("--seed <n>", "seed of the data order, and of a new adapter", fraction, 0)
    .addOption(
      new Option("--order <order>", "order of the pairs").choices(
        ["sequential", "shuffled"] as const,
      )
        .default("shuffled" as const),
    )
    .option("--threads <n>", "threads (default: all cores)", count)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Example:
  deno task ballast train --model M --pairs pairs.jsonl --out trained --loss rpo --sft sum \\
    --beta 0.1 --eta 0.005 --lr 5e-7 --steps 100 --batch-pairs 8 --max-length 512 --max-prompt-length 256`,
    )
    .action(async (options) => {
      const { train } = await import("./commands/train.ts");
      Deno.exitCode = await train(options);
    });
}
