import { breakable, escapeLatex, renderLatex } from "./latex.ts";
import type { Figure } from "./figure.ts";
import { htmlId } from "./html.ts";
import { claimLabel, type ReportInput } from "./report_input.ts";
import { reportTables } from "./report_tables.ts";
import { reportFindings, reportHeadline, reportSentences } from "./report_words.ts";
import { verdict } from "./verdict.ts";

/**
 * The report's tables and figures as a LaTeX document that compiles on its own, beside `figures/`; each
 * float in it can be copied into a paper that loads booktabs, graphicx and textcomp.
 *
 * @throws InputError when the table's columns or the claim's test name what the results lack
 */
export function renderLatexReport(input: ReportInput): string {
  const { title, claim, results, test } = input;
  const judged = test === null ? null : verdict(results, test);
  const { main, duels, comparisons, seeds, metrics } = reportTables(input, judged);
  const headline = reportHeadline(input, judged);
  const paragraphs = [
    `${escapeLatex(claimLabel(input))}: \\emph{${breakable(claim)}}`,
    ...(headline === null ? [] : [breakable(headline)]),
    ...[...reportFindings(input, judged), ...reportSentences(input, judged)].map(breakable),
  ];
  return [
    "\\documentclass[a4paper]{article}",
    "\\usepackage[T1]{fontenc}",
    "\\usepackage[utf8]{inputenc}",
    "\\usepackage{textcomp}",
    "\\usepackage[margin=2cm]{geometry}",
    "\\usepackage{booktabs}",
    "\\usepackage{graphicx}",
    "\\emergencystretch=3em",
    "\\begin{document}",
    `\\section*{${escapeLatex(title)}}`,
    // Else the first tables stand above the title.
    "\\suppressfloats[t]",
    ...paragraphs.map((paragraph) => `${paragraph}\n`),
    ...[...main, duels, ...comparisons, seeds, metrics].filter((table) => table !== null)
      .map(renderLatex),
    ...(input.figures.length === 0 ? [] : ["\\clearpage"]),
    ...input.figures.map(figureLatex),
    "\\end{document}",
    "",
  ].join("\n");
}

/** A figure as a `figure` float: the PNG of its drawing, by its path beside the document. */
function figureLatex({ id, title, caption }: Figure): string {
  return [
    "\\begin{figure}[htbp]",
    "\\centering",
    `\\includegraphics[width=0.9\\linewidth,height=0.4\\textheight,keepaspectratio]{figures/${id}.png}`,
    `\\caption{${breakable(`${title}. ${caption}`)}}`,
    `\\label{fig:${htmlId(id)}}`,
    "\\end{figure}",
    "",
  ].join("\n");
}
