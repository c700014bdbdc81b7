import { join } from "node:path";

/** Milliseconds that LaTeX may take. */
const PATIENCE = 120_000;
/** What LaTeX leaves beside the page. */
const LEFT_OVER = ["report.aux", "report.log", "report.out"];

/**
 * Sets a folder's `report.tex` as `report.pdf`, where pdfLaTeX is installed. It may run no program and
 * read and write nothing outside the folder but its own packages; the same text gives the same bytes.
 *
 * @returns why there is no PDF; null where there is one
 */
export async function typeset(folder: string): Promise<string | null> {
  try {
    const { success } = await new Deno.Command("pdflatex", {
      args: ["-interaction=batchmode", "-halt-on-error", "-no-shell-escape", "report.tex"],
      cwd: folder,
      // The day of typesetting would be in the page otherwise; p: as paranoid as TeX can be told to be.
      env: { SOURCE_DATE_EPOCH: "0", FORCE_SOURCE_DATE: "1", openin_any: "p", openout_any: "p" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.timeout(PATIENCE),
    }).output();
    return success ? null : "report.pdf was not made: pdflatex refused report.tex.";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "report.pdf was not made, since pdflatex is not installed (in Debian it is in the package " +
      "texlive-latex-base, booktabs in texlive-latex-recommended); report.tex is there.";
  } finally {
    for (const name of LEFT_OVER) await Deno.remove(join(folder, name)).catch(() => {});
  }
}
