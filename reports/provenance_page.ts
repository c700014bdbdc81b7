import { jsonScript } from "./json_script.ts";
import type { Provenance } from "./provenance.ts";
import { stageCost, stageLines } from "./stage_lines.ts";

/** The data block from which the page's script shows where a cell came from. */
export function provenanceData({ recipe, report, stages, chains, tables }: Provenance): string {
  return jsonScript("provenance-data", {
    command: `deno task ballast show ${reportName({ recipe, report })}`,
    stages: stages.map((stage) => ({
      instance: stage.instance,
      took: stageCost(stage),
      facts: stageLines(stage),
    })),
    chains,
    tables,
  });
}

/** What `ballast show` calls a report: its recipe, and the instance that made it. */
export function reportName({ recipe, report }: Pick<Provenance, "recipe" | "report">): string {
  return `${recipe}/${report.instance}`;
}
