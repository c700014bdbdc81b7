import assert from "node:assert/strict";
import { join } from "node:path";
import { renderLatexReport } from "../../reports/latex_report.ts";
import { typeset } from "../../cli/typeset.ts";
import { temporaryFolder } from "../stages/run_stage.ts";
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
async function compile(tex: string): Promise<{ success: boolean; log: string }> {
  const folder = await temporaryFolder();
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
  return await run();
}

latexTest("the LaTeX report compiles without a warning", async () => {
  const tex = renderLatexReport({
    ...reportFixture(),
    scores: scoredFixture(),
    reconciliations: [reconciliationFixture()],
    paperTables: ["1", "2", "4", "5", "6", "average-loss"],
  });
  const { success, log } = await compile(tex);
  assert.ok(success, log);
  assert.doesNotMatch(log, /Warning|Overfull|Underfull|undefined/);
});

latexTest("hostile text compiles, and shows nothing of this machine", async () => {
  const hostile = Object.values(injections);
  const input = reportFixture();
  const { success, log } = await compile(renderLatexReport({
    ...input,
    title: hostile.join(" "),
    claim: hostile.join(" "),
    notes: hostile,
    results: { ...input.results, notes: hostile },
  }));
  assert.ok(success, log);
  assert.doesNotMatch(log, /root:x|uid=/);
});

latexTest("typeset() gives the same PDF twice, and leaves nothing beside it", async () => {
  const pages = [];
  for (let i = 0; i < 2; i++) {
    const folder = await temporaryFolder();
    await Deno.writeTextFile(join(folder, "report.tex"), renderLatexReport(reportFixture()));
    assert.equal(await typeset(folder), null);
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assert.deepEqual(names.sort(), ["report.pdf", "report.tex"]);
    pages.push(await Deno.readFile(join(folder, "report.pdf")));
  }
  assert.deepEqual(pages[0], pages[1]);
});

latexTest("typeset() says that LaTeX refuses a text that is none", async () => {
  const folder = await temporaryFolder();
  await Deno.writeTextFile(join(folder, "report.tex"), "\\documentclass{article}\n\\nonsense\n");
  assert.match((await typeset(folder))!, /pdflatex refused report\.tex/);
});
