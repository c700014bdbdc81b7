import { escapeMarkdown, fenceMarkdown, renderMarkdown } from "./markdown.ts";
import { formatNumber } from "./number_format.ts";
import { claimLabel, type ReportInput } from "./report_input.ts";
import { type ReportTables, reportTables } from "./report_tables.ts";
import { reportFindings, reportHeadline, reportSentences } from "./report_words.ts";
import { titlesOf } from "./score_tables.ts";
import { verdict } from "./verdict.ts";

/**
 * The report as Markdown; figures are linked as files under `figures/`.
 *
 * @throws InputError when the table's columns or the claim's test name what the results lack
 */
export function renderMarkdownReport(input: ReportInput): string {
  const { title, claim, results, test } = input;
  const judged = test === null ? null : verdict(results, test);
  const tables = reportTables(input, judged);
  const { main, duels, comparisons, seeds, metrics } = tables;
  const headline = reportHeadline(input, judged);
  const findings = reportFindings(input, judged).map((text) => `- ${escapeMarkdown(text)}`);
  return [
    `# ${escapeMarkdown(title)}`,
    `${claimLabel(input)}: *${escapeMarkdown(claim)}*`,
    ...(headline === null ? [] : [`What this run says: ${escapeMarkdown(headline)}`]),
    `## Result`,
    ...(findings.length === 0 ? [] : [`### What disagrees in print`, findings.join("\n")]),
    ...main.map(renderMarkdown),
    ...(duels === null ? [] : [renderMarkdown(duels)]),
    ...reportSentences(input, judged).map(escapeMarkdown),
    ...(input.figures.length === 0 ? [] : [`## Figures`]),
    ...input.figures.flatMap(({ id, title, caption, description }) => [
      `![${escapeMarkdown(`${title}. ${description}`)}](figures/${id}.svg)`,
      escapeMarkdown(caption),
    ]),
    ...(comparisons.length === 0 ? [] : [`## Paired comparisons`]),
    ...comparisons.map(renderMarkdown),
    ...(seeds === null ? [] : [`## Every seed`, renderMarkdown(seeds)]),
    ...(metrics === null ? [] : [`## Everything measured`, renderMarkdown(metrics)]),
    ...examples(input),
    ...audit(input, tables),
    `## Origins`,
    originLines(input).join("\n"),
  ].map((block) => block.trimEnd()).join("\n\n") + "\n";
}

/** Prompts whose replies are shown. */
const EXAMPLES = 10;

function examples({ results }: ReportInput): string[] {
  if (results.examples.length === 0) return [];
  const label = (id: string) => results.systems.find((system) => system.id === id)?.label ?? id;
  return [
    `## Replies side by side`,
    ...(results.examples.length > EXAMPLES
      ? [`The first ${EXAMPLES} of ${results.examples.length} prompts; index.html has all.`]
      : []),
    ...results.examples.slice(0, EXAMPLES).flatMap(({ prompt, replies }, i) => [
      `### Prompt ${i + 1}`,
      fenceMarkdown(prompt),
      ...replies.flatMap(({ system, text, score }) => [
        escapeMarkdown(label(system)) +
        (score === null ? "" : `, score ${formatNumber(score, 2)}`),
        fenceMarkdown(text),
      ]),
    ]),
  ];
}

function audit({ audits }: ReportInput, tables: ReportTables): string[] {
  if (audits.length === 0) return [];
  const none = audits.every(({ findings }) => findings.length === 0);
  return [
    `## What the data audit found`,
    ...(none ? ["The audits found nothing to report."] : []),
    ...tables.audits.map(renderMarkdown),
  ];
}

function originLines(
  { results, scores = [], reconciliations = [], audits }: ReportInput,
): string[] {
  const named = [
    ...results.systems.flatMap(({ label, origins }) =>
      origins.map((origin) => ({ label, origin }))
    ),
    ...scores.map(({ origin, tables }) => ({ label: titlesOf(tables), origin })),
    ...reconciliations.map(({ origin }) => ({ label: "Verdicts on printed numbers", origin })),
    ...audits.map(({ origin }) => ({ label: "Audit", origin })),
  ];
  return named.map(({ label, origin: { instance, digest } }) =>
    `- ${escapeMarkdown(`${label}: ${instance}, ${digest}`)}`
  );
}
