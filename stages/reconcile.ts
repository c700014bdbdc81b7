import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import type { PublishedCell } from "../core/published_cell.ts";

const released = (series: string) =>
  pathParam({
    kind: "file",
    describe: `A recipe that follows the released configuration of the ${series} series`,
  }).optional();

const params = z.strictObject({
  tolerance: z.enum(["printed", "interval"]).default("printed").describe(
    "What counts as met again: the printed digits; or as well a 95% interval that holds the number",
  ),
  betaRecipe: released("beta"),
  gemmaRecipe: released("gemma"),
});

export default defineStage<z.infer<typeof params>>({
  name: "reconcile",
  describe: "Hold the numbers that a paper prints to what was found, and say what disagrees",
  params,
  inputs: {
    published: {
      type: "judgments",
      describe: "What read-judgments took, published tables with it",
    },
    scores: { type: "scores", many: true, describe: "What was found" },
  },
  outputs: { reconciliation: { type: "reconciliation" } },
  // The package yaml asks for these when it is loaded; they switch on its own debugging.
  resources: () => ({ cores: 1, memory: 300, environment: ["LOG_TOKENS", "LOG_STREAM"] }),
  estimateSeconds: () => 1,
  module: import.meta.url,
  async run({ params, input, inputs, output, log }) {
    const { canonicalJson } = await import("../core/json.ts");
    const { readScores } = await import("./read_scores.ts");
    const { reconcile } = await import("../reports/reconcile/reconcile.ts");
    const { reconciliationSummary } = await import(
      "../reports/reconcile/reconciliation_tables.ts"
    );
    const { releasedSettings } = await import("../reports/reconcile/released_settings.ts");
    const { parse } = await import("yaml");
    const paths = [params.betaRecipe, params.gemmaRecipe].filter((path) => path !== undefined);
    const recipes = await Promise.all(
      paths.map(async (path) => ({ path, recipe: parse(await Deno.readTextFile(path)) })),
    );
    const reconciliation = reconcile(await readPublished(input("published").path), {
      scores: await readScores(inputs("scores")),
      settings: releasedSettings(recipes),
      tolerance: params.tolerance,
    });
    const text = `${canonicalJson(reconciliation)}\n`;
    await Deno.writeTextFile(`${output("reconciliation")}/reconciliation.json`, text);
    log(reconciliationSummary(reconciliation));
  },
});

/** The published tables of an artifact of judgments. */
async function readPublished(folder: string): Promise<PublishedCell[]> {
  const { collectProblems, InputError } = await import("../core/problem.ts");
  const { findJudgmentFiles } = await import("../eval/judgment_files.ts");
  const { readPublishedTables } = await import("../eval/published_tables.ts");
  const paths = await findJudgmentFiles(folder, "published");
  if (paths.length === 0) {
    const message = "Expected published tables among the judgments but found none.";
    throw new InputError([{ path: "published", message }]);
  }
  return (await collectProblems(paths.map((path) => () => readPublishedTables(path)))).flat();
}
