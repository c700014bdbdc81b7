import { Command, Option } from "./commander.ts";
import { addBundleCommands } from "./bundle_commands.ts";
import { goOffline } from "./go_offline.ts";
import { addCacheCommands } from "./cache_commands.ts";
import { addModelCommands } from "./model_commands.ts";
import {
  count,
  fraction,
  jsonOption,
  offlineOption,
  recipeOption,
  setOption,
  several,
  storeOption,
  sweepOption,
} from "./options.ts";
import { printNotice, printResult } from "./output.ts";
import { addPageCommands } from "./page_commands.ts";
import { addReportCommands } from "./report_commands.ts";
import { addScoreCommands } from "./score_commands.ts";
import { VERSION } from "./version.ts";

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
    .exitOverride()
    .hook("preAction", (_, command) => {
      if ((command.opts() as { offline?: boolean }).offline) goOffline();
    });
  addRunCommands(root);
  addReconcile(root);
  addPlanCommands(root);
  addListCommands(root);
  addStoreCommands(root);
  addModelCommands(root);
  addScoreCommands(root);
  addPageCommands(root);
  addReportCommands(root);
  addBundleCommands(root);
  addCacheCommands(root);
  for (const command of root.commands) {
    command.exitOverride().configureOutput(root.configureOutput());
  }
  return root as unknown as Command;
}

function withSelection(command: Command) {
  return command
    .addOption(recipeOption())
    .addOption(setOption())
    .addOption(sweepOption())
    .addOption(storeOption())
    .addOption(offlineOption())
    .option("--from <stage>", "these stages and all that follows from them", several)
    .option("--only <stage>", "these stages alone; what they need must be cached", several);
}

function withRunOptions(command: Command) {
  return withSelection(command)
    .option(
      "--from-cache <place>",
      "take results that are there: a folder, s3://BUCKET, https://HOST",
    )
    .option("--accept <stage>", "keep the result of a stage whose code was edited", several)
    .option("--cores <n>", "cores to use at once (default: all)", count)
    .addOption(
      new Option("--executor <where>", "where stages run: on this machine, or through sbatch")
        .choices(["local", "slurm"] as const).default("local" as const),
    )
    .option("--slurm-partition <name>", "the partition that jobs are submitted to")
    .option("--slurm-arg <arg>", "a word for sbatch, such as --slurm-arg=--account=lab", several)
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
  deno task reproduce --sweep train.eta=0,0.05,0.2
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

function addReconcile(root: Command): void {
  withRunOptions(root.command("reconcile"))
    .description(
      "Hold a paper's printed numbers to what a recipe finds; runs what is missing first.",
    )
    .addHelpText(
      "after",
      `
Example:
  deno task ballast reconcile --recipe paper-judgments --set data.path=DIR \\
    --set alpaca-eval.difficulty=FILE`,
    )
    .action(async (options) => {
      const { reconcile } = await import("./commands/reconcile.ts");
      Deno.exitCode = await reconcile(options);
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
    .addOption(recipeOption()).addOption(setOption()).addOption(sweepOption())
    .addOption(storeOption()).addOption(jsonOption())
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
      await listRecipes(options);
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
    .argument("<a>", "a run's number, latest or previous; RUN@AXIS=VALUE for a point of a sweep")
    .argument("<b>", "another")
    .option("--tolerance <relative>", "relative tolerance for numbers", fraction, 0)
    .addOption(storeOption()).addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast diff previous latest --tolerance 1e-6
  deno task ballast diff latest@eta=0 latest@eta=0.05`,
    )
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
