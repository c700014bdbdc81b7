import assert from "node:assert/strict";
import { join } from "node:path";
import type { Figure, FigureSpec } from "../../reports/figure.ts";
import { drawFigure } from "../../reports/figures/draw_figure.ts";
import { renderPng } from "../../reports/figures/render_png.ts";
import { renderLatexReport } from "../../reports/latex_report.ts";
import { typeset } from "../../cli/typeset.ts";
import { temporaryFolder } from "../stages/run_stage.ts";
import { figuresFixture, figureSourcesFixture, otherFiguresFixture } from "./figures_fixture.ts";
import { injections } from "./injection_corpus.ts";
import { reconciliationFixture, scoredFixture } from "./reconcile_fixture.ts";
import { reportFixture } from "./report_fixture.ts";

/** A test that needs pdfLaTeX with booktabs; without it, it is shown as ignored. */
function latexTest(name: string, fn: () => Promise<void>): void {
  let present = true;
  try {
    present = new Deno.Command("kpsewhich", { args: ["booktabs.sty"] }).outputSync().success;
  } catch {
    present = false;
  }
  Deno.test({ name: `${name} (needs pdflatex and booktabs)`, ignore: !present, fn });
}

/** What LaTeX says of a document when it sees it for the second time, labels being known then. */
async function compile(
  tex: string,
  figures: readonly Figure[] = [],
): Promise<{ success: boolean; log: string; pdf: string }> {
  const folder = await temporaryFolder();
  await writeFigures(folder, figures);
  await Deno.writeTextFile(join(folder, "report.tex"), tex);
  const run = async () => {
    const { success, stdout } = await new Deno.Command("pdflatex", {
      args: ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "report.tex"],
      cwd: folder,
      env: { max_print_line: "1000" },
    }).output();
    return { success, log: new TextDecoder().decode(stdout) };
  };
  await run();
  const done = await run();
  const pdf = done.success ? await Deno.readTextFile(join(folder, "report.pdf")) : "";
  return { ...done, pdf };
}

/** Figures as a report has them, the first of each fixture. */
async function drawnFigures(specs: readonly FigureSpec[]): Promise<Figure[]> {
  return await Promise.all(specs.map((spec) => drawFigure(figureSourcesFixture(), spec)));
}

/** The PNG of each figure, where the document looks for it. */
async function writeFigures(folder: string, figures: readonly Figure[]): Promise<void> {
  await Deno.mkdir(join(folder, "figures"));
  for (const { id, svg } of figures) {
    await Deno.writeFile(join(folder, "figures", `${id}.png`), await renderPng(svg));
  }
}

/** Pictures that a PDF holds, without the masks that PNG files with transparency have beside them. */
function imagesOf(pdf: string): number {
  const count = (name: RegExp) => pdf.match(name)?.length ?? 0;
  return count(/\/Subtype\s*\/Image/g) - count(/\/SMask/g);
}

latexTest(
  "the LaTeX report compiles without a warning, and the PDF holds every figure",
  async () => {
    const figures = await drawnFigures([...figuresFixture, ...otherFiguresFixture]);
    const tex = renderLatexReport({
      ...reportFixture(),
      figures,
      scores: scoredFixture(),
      reconciliations: [reconciliationFixture()],
      paperTables: ["1", "2", "4", "5", "6", "average-loss"],
    });
    const { success, log, pdf } = await compile(tex, figures);
    assert.ok(success, log);
    assert.doesNotMatch(log, /Warning|Overfull|Underfull|undefined/);
    assert.equal(imagesOf(pdf), figures.length);
  },
);

latexTest("hostile text compiles, and shows nothing of this machine", async () => {
  const hostile = Object.values(injections);
  const input = reportFixture();
  const [figure] = await drawnFigures(figuresFixture.slice(0, 1));
  const tex = renderLatexReport({
    ...input,
    figures: [{ ...figure, title: hostile.join(" "), caption: hostile.join(" ") }],
    title: hostile.join(" "),
    claim: hostile.join(" "),
    notes: hostile,
    results: { ...input.results, notes: hostile },
  });
  const { success, log } = await compile(tex, [figure]);
  assert.ok(success, log);
  assert.doesNotMatch(log, /root:x|uid=/);
});

latexTest("typeset() gives the same PDF twice, and leaves nothing beside it", async () => {
  const pages = [];
  for (let i = 0; i < 2; i++) {
    const folder = await temporaryFolder();
    const figures = await drawnFigures(figuresFixture.slice(0, 2));
    await writeFigures(folder, figures);
    const tex = renderLatexReport({ ...reportFixture(), figures });
    await Deno.writeTextFile(join(folder, "report.tex"), tex);
    assert.equal(await typeset(folder), null);
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assert.deepEqual(names.sort(), ["figures", "report.pdf", "report.tex"]);
    assert.equal(imagesOf(await Deno.readTextFile(join(folder, "report.pdf"))), 2);
    pages.push(await Deno.readFile(join(folder, "report.pdf")));
  }
  assert.deepEqual(pages[0], pages[1]);
});

latexTest("typeset() says that LaTeX refuses a text that is none", async () => {
  const folder = await temporaryFolder();
  await Deno.writeTextFile(join(folder, "report.tex"), "\\documentclass{article}\n\\nonsense\n");
  assert.match((await typeset(folder))!, /pdflatex refused report\.tex/);
});
