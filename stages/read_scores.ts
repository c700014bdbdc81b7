import { join } from "node:path";
import type { ScoreTable } from "../core/score_table.ts";
import type { InputArtifact } from "../pipeline/stage.ts";
import type { ScoredTables } from "../reports/score_tables.ts";

/** The tables of artifacts of scores, each with where they came from. */
export async function readScores(artifacts: readonly InputArtifact[]): Promise<ScoredTables[]> {
  return await Promise.all(artifacts.map(async ({ from, digest, path }) => ({
    origin: { instance: from, digest },
    tables: JSON.parse(await Deno.readTextFile(join(path, "scores.json"))) as ScoreTable[],
  })));
}
