/**
 * Runs the whole campaign and writes its table:
 *
 *     deno task campaign --help
 */
import { Command } from "@commander-js/extra-typings";
import { count } from "../../../cli/options.ts";
import { printNotice } from "../../../cli/output.ts";
import { runCampaign } from "./campaign.ts";
import { isClean, type Outcome, type Part, PARTS } from "./outcome.ts";
import { formatCampaign } from "./table.ts";

const TABLE = new URL("../CAMPAIGN.md", import.meta.url);

const options = new Command("deno task campaign")
  .description("Makes faults happen and writes tests/faults/CAMPAIGN.md.")
  .option("--kills <count>", "kills of the recipe tiny", count, 180)
  .option("--judged-kills <count>", "kills of a judged recipe", count, 30)
  .option("--seed <number>", "decides where each fault falls", count, 1)
  .option("--part <part...>", `of ${PARTS.join(", ")}; without a table when given`)
  .parse(Deno.args, { from: "user" }).opts();

const outcomes: Outcome[] = [];
const how = ["deno task campaign", ...Deno.args].join(" ");

/** The table as far as the campaign has come, so that one that is ended early leaves what it found. */
function writeTable(skipped: readonly string[], through: boolean): void {
  if (options.part !== undefined) return;
  Deno.writeTextFileSync(TABLE, formatCampaign(outcomes, { how, skipped, through }));
}

const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "ballast-campaign-" }));
try {
  const skipped = await runCampaign({
    folder,
    seed: options.seed,
    kills: { tiny: options.kills, judged: options.judgedKills },
    short: false,
    parts: options.part === undefined ? PARTS : options.part as Part[],
  }, (outcome) => {
    outcomes.push(outcome);
    const { part, kind, verdict, detail = "" } = outcome;
    writeTable([], false);
    printNotice(`${outcomes.length} ${part}: ${kind}: ${verdict} ${detail}`);
  });
  writeTable(skipped, true);
} finally {
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(isClean(outcomes) ? 0 : 1);
