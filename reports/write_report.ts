import { join } from "node:path";
import { canonicalJson } from "../core/json.ts";
import { collectProblems, InputError } from "../core/problem.ts";
import { renderCsv } from "./csv.ts";
import { drawFigure } from "./figures/draw_figure.ts";
import { renderPng } from "./figures/render_png.ts";
import type { FigureSpec } from "./figure.ts";
import { renderReport } from "./html_report.ts";
import { renderLatexReport } from "./latex_report.ts";
import { renderMarkdownReport } from "./markdown_report.ts";
import type { ReportInput } from "./report_input.ts";
import { htmlId } from "./html.ts";
import { reconciliationSentences, reconciliationSheet } from "./reconcile/reconciliation_tables.ts";
import { mainTables } from "./report_tables.ts";
import { renderSentences, renderText } from "./text.ts";

/** A report's input before its figures are drawn. */
type UndrawnReport = Omit<ReportInput, "figures">;

/**
 * Writes a report artifact: index.html, report.json (from which the page of a run is rendered),
 * report.md, report.tex, table.csv (and table-ID.csv for further ones), table.txt with all (and with what
 * was found), figures/*.svg and *.png; where there are verdicts on printed numbers, all of them in a CSV
 * file that is called as the stage.
 * Equal input gives equal bytes.
 *
 * @param folder an existing empty folder
 * @throws InputError when columns, figures or the claim's test name what the results lack
 */
export async function writeReport(
  undrawn: UndrawnReport,
  figures: readonly FigureSpec[],
  folder: string,
): Promise<void> {
  const drawn = await collectProblems(
    figures.map((spec) => () => drawFigure(undrawn, spec)),
  );
  const ids = drawn.map(({ id }) => id);
  const twice = ids.findIndex((id, i) => ids.indexOf(id) !== i);
  if (twice >= 0) {
    const message = `Expected each figure once but found ${ids[twice]} twice.`;
    throw new InputError([{ path: `figures[${twice}]`, message }]);
  }
  const input: ReportInput = { ...undrawn, figures: drawn };
  const [table, ...more] = mainTables(input);
  const files: Record<string, string | Uint8Array> = {
    "index.html": renderReport(input, null),
    "report.json": canonicalJson(input) + "\n",
    "report.md": renderMarkdownReport(input),
    "report.tex": renderLatexReport(input),
    "table.csv": renderCsv(table),
    "table.txt": [
      ...[table, ...more].map((each) => renderText(each)),
      ...(input.reconciliations ?? []).map((each) =>
        renderSentences(reconciliationSentences(each))
      ),
    ].join("\n"),
  };
  for (const each of more) files[`table-${htmlId(each.id)}.csv`] = renderCsv(each);
  for (const each of input.reconciliations ?? []) {
    files[`${htmlId(each.origin.instance)}.csv`] = renderCsv(reconciliationSheet(each));
  }
  for (const { id, svg } of drawn) {
    files[join("figures", `${id}.svg`)] = svg;
    files[join("figures", `${id}.png`)] = await renderPng(svg);
  }
  await Deno.mkdir(join(folder, "figures"), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(join(folder, name), bytes);
  }
}
