import { z } from "../core/zod.ts";
import type { ScoreTable } from "../core/score_table.ts";
import type { StageContext } from "../pipeline/stage.ts";

/** Parameters of stages that score judgments. */
export const scoreParams = {
  models: z.array(z.strictObject({
    model: z.string().min(1).describe("Its name in the files"),
    label: z.string().min(1).describe("What tables call it"),
  })).default([]).describe("Models with names of their own; they come first, in this order"),
  seed: z.int().min(0).default(0).describe("Seed of bootstraps and simulations"),
};

/** The input that they read. */
export const scoredJudgments = {
  judgments: {
    type: "judgments",
    many: true,
    describe: "What read-judgments took, or a judge said",
  },
};

/** Writes tables of scores as `scores.json`, and says what they are. */
export async function writeScores(
  tables: readonly ScoreTable[],
  { output, log }: Pick<StageContext<unknown>, "output" | "log">,
): Promise<void> {
  const { canonicalJson } = await import("../core/json.ts");
  await Deno.writeTextFile(`${output("scores")}/scores.json`, `${canonicalJson(tables)}\n`);
  log(tables.map(({ title, rows }) => `${title}: ${rows.length} rows`).join("; "));
}
