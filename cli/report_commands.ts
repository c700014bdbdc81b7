import type { Command } from "./commander.ts";
import { jsonOption, storeOption } from "./options.ts";

/** The commands that read a run's last report: show, cite. */
export function addReportCommands(root: Command): void {
  root.command("show")
    .description("Where a number of a report comes from: every stage back to the data.")
    .argument(
      "[report]",
      "a recipe, or RECIPE/INSTANCE where it has several (default: tiny)",
      "tiny",
    )
    .argument("[row]", "a row's id or label; all tables are listed without")
    .argument("[column]", "a column's id or label")
    .option("--table <id>", "the table (default: the first with such a row and column)")
    .addOption(storeOption()).addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  deno task ballast show tiny                                   # tables, rows and columns
  deno task ballast show tiny/report dpo gold
  deno task ballast show tiny "RPO sum" "over DPO" --json`,
    )
    .action(async (report, row, column, options) => {
      const { show } = await import("./commands/show.ts");
      show({ report, row, column }, options);
    });
  root.command("cite")
    .description("How to cite a run: what it takes to make it again, and BibTeX.")
    .argument(
      "[report]",
      "a recipe, or RECIPE/INSTANCE where it has several (default: tiny)",
      "tiny",
    )
    .addOption(storeOption()).addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  deno task ballast cite tiny > run.bib")
    .action(async (report, options) => {
      const { cite } = await import("./commands/cite.ts");
      cite(report, options);
    });
}
