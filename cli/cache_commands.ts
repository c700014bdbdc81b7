import type { Command } from "./commander.ts";
import { byteSize, jsonOption, offlineOption, recipeOption, storeOption } from "./options.ts";

const PLACE = "a folder, s3://BUCKET/PREFIX or https://HOST/FOLDER";

/** The commands of a cache that several machines share: push, pull. */
export function addCacheCommands(root: Command): void {
  root.command("push")
    .description("Send a run's results to a cache, by content: what is there is not sent again.")
    .argument("<cache>", "a folder or s3://BUCKET/PREFIX")
    .argument(
      "[run]",
      "a run's number, latest or previous (default: the recipe's last that is done)",
    )
    .addOption(recipeOption())
    .addOption(storeOption()).addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast push /shared/ballast
  deno task ballast push s3://lab/ballast --recipe tiny

A bucket takes AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the environment; AWS_SESSION_TOKEN,
AWS_REGION and AWS_ENDPOINT_URL where they are set.`,
    )
    .action(async (cache, run, options) => {
      const { push } = await import("./commands/push_pull.ts");
      await push(cache, run, options);
    });
  root.command("pull")
    .description("Take the results of a recipe's run that was pushed last, each checked.")
    .argument("<cache>", PLACE)
    .addOption(recipeOption())
    .option("--limit <size>", "what one object may have (default: 100GB)", byteSize)
    .addOption(offlineOption())
    .addOption(storeOption()).addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast pull https://example.org/ballast
  deno task reproduce --from-cache https://example.org/ballast`,
    )
    .action(async (cache, options) => {
      const { pull } = await import("./commands/push_pull.ts");
      await pull(cache, options);
    });
}
