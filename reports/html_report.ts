import { escapeHtml, htmlId, renderHtml } from "./html.ts";
import { pageHead, pageHeader } from "./html_head.ts";
import { makingSection } from "./making_section.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { promptsSection } from "./prompts_section.ts";
import { type Provenance, traceTables } from "./provenance.ts";
import { provenanceData } from "./provenance_page.ts";
import type { ReportInput } from "./report_input.ts";
import { type ReportTables, reportTables, tracedTables } from "./report_tables.ts";
import { reportFindings, reportSentences } from "./report_words.ts";
import type { RunFacts } from "./run_facts.ts";
import type { Table } from "./table.ts";
import { type Verdict, verdict } from "./verdict.ts";

/** More main tables than these are listed before them. */
const LISTED = 3;

/** A section of the page. */
interface Section {
  readonly id: string;
  readonly heading: string;
  readonly body: string;
}

/**
 * Where each number of a report comes from.
 *
 * @throws InputError as `renderReport`
 */
export function traceReport(input: ReportInput, run: RunFacts): Provenance {
  const judged = input.test === null ? null : verdict(input.results, input.test);
  return traceTables(tracedTables(reportTables(input, judged)), run);
}

/**
 * The report as one HTML file that opens nothing else: claim, answer, table, figures, every seed,
 * all metrics, prompts to browse, audits, and how it was made. All numbers can be read without scripts; a
 * content security policy admits only the styles and the script that are part of the page, by their hashes.
 *
 * @param run what is known once the run is over; null inside the pipeline, where equal runs must give
 * equal bytes
 * @throws InputError when the table's columns or the claim's test name what the results lack
 */
export function renderReport(input: ReportInput, run: RunFacts | null): string {
  const judged = input.test === null ? null : verdict(input.results, input.test);
  const tables = reportTables(input, judged);
  const prompts = promptsSection(input);
  const sections = [
    resultSection(input, { tables, judged }),
    figuresSection(input),
    comparisonsSection(tables),
    seedsSection(tables),
    metricsSection(tables),
    prompts,
    auditSection(input, tables),
    makingSection(input, run),
  ].filter((section) => section !== null);
  const data = [
    ...(prompts === null ? [] : [prompts.data]),
    ...(run === null ? [] : [provenanceData(traceTables(tracedTables(tables), run))]),
  ];
  return [
    pageHead(input),
    `<body>`,
    `<a class="skip" href="#result">Skip to the result</a>`,
    `<div class="page">`,
    pageHeader(input, { judged, run, sections }),
    `<main>`,
    ...sections.map(sectionHtml),
    `</main>`,
    `<footer><p class="note">Made by Ballast. Every number above can be traced in `,
    `<a href="#origins">Origins</a>.</p></footer>`,
    `</div>`,
    ...data,
    `<script>${PAGE_SCRIPT}</script>`,
    `</body>`,
    `</html>`,
    ``,
  ].join("\n");
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
  if (tables.main.length > LISTED) body.push(listOf(tables.main));
  body.push(...tables.main.map(renderHtml));
  if (tables.duels !== null) body.push(renderHtml(tables.duels));
  body.push(...reportSentences(input, judged).map((sentence) => `<p>${escapeHtml(sentence)}</p>`));
  return { id: "result", heading: "Result", body: body.join("\n") };
}

/** Links to tables, folded up. */
function listOf(tables: readonly Table[]): string {
  const links = tables.map(({ id, title }) =>
    `<li><a href="#table-${htmlId(id)}">${escapeHtml(title)}</a></li>`
  );
  return `<details><summary>${tables.length} tables</summary><ul>${
    links.join("\n")
  }</ul></details>`;
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

function auditSection({ audits }: ReportInput, tables: ReportTables): Section | null {
  if (audits.length === 0) return null;
  const none = audits.every(({ findings }) => findings.length === 0);
  const body = [
    ...(none ? [`<p>The audits found nothing to report.</p>`] : []),
    ...tables.audits.map(renderHtml),
  ];
  return { id: "audit", heading: "What the data audit found", body: body.join("\n") };
}
