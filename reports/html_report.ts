import { Buffer } from "node:buffer";
import { sha256 } from "../core/digest.ts";
import { auditedLengthsTable, auditedSetsTable, findingsTable } from "./audit_tables.ts";
import { FIGURE_STYLE } from "./figure.ts";
import { escapeHtml, htmlId, renderHtml } from "./html.ts";
import { makingSection } from "./making_section.ts";
import { formatNumber } from "./number_format.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { claimLabel, type ReportInput } from "./report_input.ts";
import { type ReportTables, reportTables } from "./report_tables.ts";
import { reportFindings, reportHeadline, reportSentences } from "./report_words.ts";
import type { RunFacts } from "./run_facts.ts";
import { type Verdict, verdict } from "./verdict.ts";

/** A section of the page. */
interface Section {
  readonly id: string;
  readonly heading: string;
  readonly body: string;
}

/**
 * The report as one HTML file that opens nothing else: claim, answer, table, figures, every seed,
 * all metrics, replies side by side, audits, and how it was made. All of it can be read without scripts; a content
 * security policy admits only the styles and the script that are part of the page, by their hashes.
 *
 * @param run what is known once the run is over; null inside the pipeline, where equal runs must give
 * equal bytes
 * @throws InputError when the table's columns or the claim's test name what the results lack
 */
export function renderReport(input: ReportInput, run: RunFacts | null): string {
  const judged = input.test === null ? null : verdict(input.results, input.test);
  const tables = reportTables(input, judged);
  const sections = [
    resultSection(input, { tables, judged }),
    figuresSection(input),
    comparisonsSection(tables),
    seedsSection(tables),
    metricsSection(tables),
    examplesSection(input),
    auditSection(input),
    makingSection(input, run),
  ].filter((section) => section !== null);
  const links = sections.slice(1).map(({ id, heading }) =>
    `<li><a href="#${id}">${escapeHtml(heading)}</a></li>`
  );
  return [
    head(input),
    `<body>`,
    `<a class="skip" href="#result">Skip to the result</a>`,
    `<div class="page">`,
    header(input, { judged, links }),
    `<main>`,
    ...sections.map(sectionHtml),
    `</main>`,
    `<footer><p class="note">Made by Ballast. Every number above can be traced in `,
    `<a href="#origins">Origins</a>.</p></footer>`,
    `</div>`,
    `<script>${PAGE_SCRIPT}</script>`,
    `</body>`,
    `</html>`,
    ``,
  ].join("\n");
}

function head({ title, claim, figures }: ReportInput): string {
  const hash = (text: string) => `'sha256-${Buffer.from(sha256(text), "hex").toString("base64")}'`;
  const styles = [PAGE_STYLE, ...(figures.length > 0 ? [FIGURE_STYLE] : [])].map(hash).join(" ");
  const policy = `default-src 'none'; style-src ${styles}; script-src ${hash(PAGE_SCRIPT)}; ` +
    `base-uri 'none'; form-action 'none'`;
  return [
    `<!doctype html>`,
    `<html lang="en">`,
    `<head>`,
    `<meta charset="utf-8">`,
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta name="referrer" content="no-referrer">`,
    `<meta name="description" content="${escapeHtml(claim)}">`,
    `<title>${escapeHtml(title)}</title>`,
    `<style>${PAGE_STYLE}</style>`,
    `</head>`,
  ].join("\n");
}

function header(
  { title, claim, test, reconciliations }: ReportInput,
  { judged, links }: { judged: Verdict | null; links: readonly string[] },
): string {
  const headline = reportHeadline({ reconciliations }, judged);
  const answer = headline === null ? [] : [
    `<p class="label">What this run says</p>`,
    `<p class="answer">${answerHtml(headline)}</p>`,
  ];
  return [
    `<header>`,
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="label">${escapeHtml(claimLabel({ test }))}</p>`,
    `<blockquote><p>${escapeHtml(claim)}</p></blockquote>`,
    ...answer,
    `<nav aria-label="Sections"><ul>${links.join("")}</ul></nav>`,
    `</header>`,
  ].join("\n");
}

/** The headline with its first sentence, the answer, set apart. */
function answerHtml(headline: string): string {
  const end = headline.indexOf(". ") + 1;
  return end === 0
    ? escapeHtml(headline)
    : `<strong>${escapeHtml(headline.slice(0, end))}</strong>${escapeHtml(headline.slice(end))}`;
}

function sectionHtml({ id, heading, body }: Section): string {
  return [
    `<section id="${id}" aria-labelledby="${id}-heading">`,
    `<h2 id="${id}-heading">${escapeHtml(heading)}</h2>`,
    body,
    `</section>`,
  ].join("\n");
}

function resultSection(
  input: ReportInput,
  { tables, judged }: { tables: ReportTables; judged: Verdict | null },
): Section {
  const findings = reportFindings(input, judged).map((text) => `<li>${escapeHtml(text)}</li>`);
  const body = findings.length === 0
    ? []
    : [`<h3>What disagrees in print</h3>`, `<ul>${findings.join("\n")}</ul>`];
  body.push(...tables.main.map(renderHtml));
  if (tables.duels !== null) body.push(renderHtml(tables.duels));
  body.push(...reportSentences(input, judged).map((sentence) => `<p>${escapeHtml(sentence)}</p>`));
  return { id: "result", heading: "Result", body: body.join("\n") };
}

function figuresSection({ figures }: ReportInput): Section | null {
  if (figures.length === 0) return null;
  const drawn = figures.map(({ id, title, caption, svg, description }) =>
    [
      `<figure class="drawing" id="figure-${htmlId(id)}">`,
      `<h3>${escapeHtml(title)}</h3>`,
      `<div class="scroll" tabindex="0" role="region" aria-label="${
        escapeHtml(title)
      }">${svg}</div>`,
      `<figcaption><p>${escapeHtml(caption)}</p>`,
      `<details><summary>The figure in words</summary><p>${escapeHtml(description)}</p></details>`,
      `</figcaption></figure>`,
    ].join("\n")
  );
  return { id: "figures", heading: "Figures", body: drawn.join("\n") };
}

function comparisonsSection({ comparisons }: ReportTables): Section | null {
  if (comparisons.length === 0) return null;
  return {
    id: "comparisons",
    heading: "Paired comparisons",
    body: comparisons.map(renderHtml).join("\n"),
  };
}

function seedsSection({ seeds }: ReportTables): Section | null {
  return seeds === null ? null : { id: "seeds", heading: "Every seed", body: renderHtml(seeds) };
}

function metricsSection({ metrics }: ReportTables): Section | null {
  if (metrics === null) return null;
  const summary = `<summary>${metrics.rows.length} metrics of every system</summary>`;
  return {
    id: "metrics",
    heading: "Everything measured",
    body: `<details>${summary}\n${renderHtml(metrics)}\n</details>`,
  };
}

function examplesSection({ results }: ReportInput): Section | null {
  if (results.examples.length === 0) return null;
  const label = (id: string) => results.systems.find((system) => system.id === id)?.label ?? id;
  const articles = results.examples.map(({ prompt, replies }, i) => {
    const scored = replies.some(({ score }) => score !== null);
    const rows = replies.map(({ system, text, score }) => {
      const shown = score === null ? "–" : formatNumber(score, 2);
      return `<tr><th scope="row">${escapeHtml(label(system))}</th>` +
        `<td class="reply"><bdi>${escapeHtml(text)}</bdi></td>` +
        (scored ? `<td class="right">${shown}</td>` : "") + `</tr>`;
    });
    return [
      `<article aria-labelledby="example-${i + 1}">`,
      `<h3 id="example-${i + 1}">Prompt ${i + 1}</h3>`,
      `<p class="prompt reply"><bdi>${escapeHtml(prompt)}</bdi></p>`,
      `<table class="replies"><thead><tr><th scope="col">System</th><th scope="col">Reply</th>` +
      (scored ? `<th scope="col" class="right">Score</th>` : "") + `</tr></thead>`,
      `<tbody>${rows.join("\n")}</tbody></table>`,
      `</article>`,
    ].join("\n");
  });
  return { id: "examples", heading: "Replies side by side", body: articles.join("\n") };
}

function auditSection({ audits }: ReportInput): Section | null {
  if (audits.length === 0) return null;
  const findings = findingsTable(audits);
  const lengths = auditedLengthsTable(audits);
  const body = [
    findings === null ? `<p>The audits found nothing to report.</p>` : renderHtml(findings),
    renderHtml(auditedSetsTable(audits)),
    ...(lengths === null ? [] : [renderHtml(lengths)]),
  ];
  return { id: "audit", heading: "What the data audit found", body: body.join("\n") };
}
