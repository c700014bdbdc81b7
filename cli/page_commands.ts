import { type Command, Option } from "./commander.ts";
import { jsonOption, portNumber, storeOption } from "./options.ts";

/** `ballast ui` and `ballast report`: pages to look at. */
export function addPageCommands(root: Command): void {
  root.command("ui")
    .description("Show runs in the browser: live, two side by side, and their reports.")
    .option("--port <n>", "the port on 127.0.0.1; 0 for any that is free", portNumber, 4870)
    .option("--open", "open the browser", false)
    .addOption(storeOption())
    .addOption(
      new Option("--json", "print the address as one line of JSON, when it is ready")
        .default(false),
    )
    .addHelpText("after", "\nExample:\n  deno task ballast ui --open")
    .action(async (options) => {
      const { ui } = await import("./commands/ui.ts");
      Deno.exitCode = await ui(options);
    });
  root.command("report")
    .description("Say where a report lies, the newest unless one is named; --open shows it.")
    .argument("[name]", "a recipe; RECIPE/INSTANCE where it has several reports")
    .option("--open", "open it in the browser", false)
    .addOption(storeOption()).addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  deno task ballast report --open\n  deno task ballast report tiny",
    )
    .action(async (name, options) => {
      const { report } = await import("./commands/report.ts");
      await report(name, options);
    });
}
