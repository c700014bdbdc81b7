import type { Command } from "./commander.ts";
import { byteSize, jsonOption, recipeOption, storeOption } from "./options.ts";

/** Bytes that a bundle may unpack to, unless more is allowed. */
const UNPACKED = 4e9;

/** The commands that carry a run elsewhere: bundle, replay. */
export function addBundleCommands(root: Command): void {
  root.command("bundle")
    .description("Write one archive of a run: recipe, keys, what was measured, tables.")
    .argument(
      "[run]",
      "a run's number, latest or previous (default: the recipe's last that is done)",
    )
    .addOption(recipeOption())
    .option("--out <file>", "the archive (default: RECIPE-RUN.tar.gz)")
    .option("--with-weights", "every artifact, weights and texts too", false)
    .addOption(storeOption()).addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  deno task ballast bundle --recipe tiny --out tiny.tar.gz")
    .action(async (run, options) => {
      const { bundle } = await import("./commands/bundle.ts");
      await bundle(run, options);
    });
  root.command("replay")
    .description("Make the tables of a bundle again, and say what differs. Needs no network.")
    .argument("<bundle>", "an archive that `ballast bundle` wrote")
    .option("--limit <size>", "what it may unpack to", byteSize, UNPACKED)
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  deno task ballast replay tiny.tar.gz")
    .action(async (path, options) => {
      const { replay } = await import("./commands/replay.ts");
      Deno.exitCode = await replay(path, options);
    });
}
