import { join } from "node:path";
import { ExpectedError } from "../core/problem.ts";
import { renderReport } from "./html_report.ts";
import type { ReportInput } from "./report_input.ts";
import type { RunFacts } from "./run_facts.ts";

/** Files of a report artifact that go beside the page as they are. */
const BESIDE = ["report.md", "report.tex", "table.csv", "table.txt"];

/**
 * Writes the page of a run: `index.html` with the run's facts in it, and beside it the report
 * artifact's Markdown, LaTeX, CSV, text and figures. Reads no figure code, so that a run with nothing
 * to do stays fast.
 *
 * @param report folder of the report artifact
 * @param destination folder of the page, made when missing; files that it held before are replaced
 * @returns the path of `index.html`
 * @throws ExpectedError when the artifact holds no report
 */
export async function writeRunPage(
  report: string,
  run: RunFacts,
  destination: string,
): Promise<string> {
  const input = await readReport(report);
  await Deno.mkdir(join(destination, "figures"), { recursive: true });
  for (const name of BESIDE) await replaceFile(join(report, name), join(destination, name));
  for (const { id } of input.figures) {
    const name = join("figures", `${id}.svg`);
    await replaceFile(join(report, name), join(destination, name));
  }
  const page = join(destination, "index.html");
  await writeWhole(page, new TextEncoder().encode(renderReport(input, run)));
  return page;
}

/** The input that a report artifact was rendered from. */
async function readReport(folder: string): Promise<ReportInput> {
  const path = join(folder, "report.json");
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ExpectedError(`${path}: expected a report's data but could not read it: ${reason}`);
  }
}

async function replaceFile(from: string, to: string): Promise<void> {
  await writeWhole(to, await Deno.readFile(from));
}

/** A reader never sees half a file: it is written beside and renamed. */
async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  await Deno.writeFile(`${path}.partial`, content);
  await Deno.rename(`${path}.partial`, path);
}
