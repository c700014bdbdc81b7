import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Random } from "../../core/random.ts";
import type { PromptRecord } from "../../core/prompt_record.ts";
import { drawFigure } from "../../reports/figures/draw_figure.ts";
import { renderReport } from "../../reports/html_report.ts";
import type { ReportInput } from "../../reports/report_input.ts";
import type { RunFacts } from "../../reports/run_facts.ts";
import { figuresFixture } from "./figures_fixture.ts";
import { reportFixture, runFactsFixture } from "./report_fixture.ts";

const CATEGORIES = ["coding", "math", "writing"];

/** Made-up judged prompts: every third has verdicts that disagree, every seventh lacks one. */
export function promptsFixture(count: number, words = 20): PromptRecord[] {
  const random = Random.seeded(0, "prompts fixture");
  const text = () =>
    Array.from({ length: words }, () => random.pick(["ballast", "keel", "hull", "sail"])).join(" ");
  return Array.from({ length: count }, (_, i) => ({
    prompt: `Prompt number ${i}: ${text()}`,
    category: CATEGORIES[i % 3],
    replies: ["dpo", "rpo-sum"].map((system) => ({
      ...{ system, text: `${system} says ${text()}`, score: null },
    })),
    verdicts: [false, true].map((swapped) => ({
      ...{ judge: "some-judge", systems: ["dpo", "rpo-sum"], swapped },
      value: i % 7 === 6 ? null : i % 3 === 2 ? Number(swapped) : i % 2,
    })),
  }));
}

/** The fixture's page with its figures, in a folder; its address. */
export async function writePage(
  folder: string,
  over: Partial<ReportInput> = {},
  run: RunFacts | null = runFactsFixture(),
): Promise<string> {
  const input = { ...reportFixture(), ...over };
  const figures = [];
  for (const spec of figuresFixture) figures.push(await drawFigure(input, spec));
  const path = join(folder, "index.html");
  await Deno.writeTextFile(path, renderReport({ ...input, figures }, run));
  return pathToFileURL(path).href;
}
