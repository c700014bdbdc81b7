import { costTable } from "./cost_table.ts";
import { ganttSvg } from "./gantt.ts";
import { escapeHtml, htmlId, renderHtml } from "./html.ts";
import { formatCount, formatSeconds } from "./number_format.ts";
import type { ReportInput } from "./report_input.ts";
import { type RunFacts, type StageFacts, warningsOf } from "./run_facts.ts";
import { titlesOf } from "./score_tables.ts";
import { isLongText, type Origin } from "./table.ts";

/** How the report was made: warnings, environment, times and costs, the recipe, origins of the numbers. */
export function makingSection(
  input: ReportInput,
  run: RunFacts | null,
): { id: string; heading: string; body: string } {
  const { seeds } = input.results;
  const body = run === null
    ? [
      `<p>${
        seeds.length === 0 ? "" : `Seeds: ${escapeHtml(seeds.join(", "))}. `
      }Versions, times and keys are left out `,
      `here, so that equal runs make equal reports; the page that a run writes has them.</p>`,
    ]
    : [
      warningsHtml(run),
      factsHtml(input, run),
      timesHtml(run),
      `<h3>Recipe</h3>`,
      `<details><summary>Recipe as resolved</summary>`,
      `<pre tabindex="0">${escapeHtml(run.resolved)}</pre></details>`,
    ];
  return {
    id: "making",
    heading: "How it was made",
    body: [...body, originsHtml(input, run)].join("\n"),
  };
}

function warningsHtml(run: RunFacts): string {
  const all = warningsOf(run);
  const heading = `<h3 id="warnings">Warnings</h3>`;
  if (all.length === 0) return `${heading}\n<p>The run gave no warnings.</p>`;
  const items = all.map((warning) => `<li>${escapeHtml(warning)}</li>`);
  return `${heading}\n<ul>${items.join("\n")}</ul>`;
}

function factsHtml({ results }: ReportInput, run: RunFacts): string {
  const facts: [string, string][] = [
    ["Recipe", run.recipe],
    ["Run", run.run],
    ...(results.seeds.length === 0
      ? []
      : [["Seeds", results.seeds.join(", ")] as [string, string]]),
    ...(run.command === null ? [] : [["Command", run.command] as [string, string]]),
    ...(run.startedAt === null ? [] : [["Begun", run.startedAt] as [string, string]]),
    ...(run.seconds === null
      ? []
      : [["Wall-clock time", formatSeconds(run.seconds)] as [string, string]]),
    ["Digest of the code", run.code],
    ["Digest of the report", run.report.digest],
    ...Object.entries(run.versions),
    ...Object.entries(run.machine),
  ];
  const rows = facts.map(([name, value]) =>
    `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`
  );
  return `<h3>Environment</h3>\n<dl class="facts">${rows.join("\n")}</dl>`;
}

function timesHtml({ stages }: RunFacts): string {
  const drawing = ganttSvg(stages);
  const cached = stages.filter(({ state }) => state !== "ran").length;
  return [
    `<h3 id="times">Times and costs</h3>`,
    ...(drawing === null ? [] : [
      `<div class="scroll" tabindex="0" role="region" aria-labelledby="times">${drawing}</div>`,
      `<p class="note">When each stage ran.${
        cached === 0 ? "" : ` ${formatCount(cached)} stages were cached and have no bar.`
      }</p>`,
    ]),
    renderHtml(costTable(stages)),
    stagesHtml(stages),
  ].join("\n");
}

function stagesHtml(stages: RunFacts["stages"]): string {
  const rows = stages.map((stage) =>
    `<tr><th scope="row">${escapeHtml(stage.instance)}</th><td>${stage.state}</td>` +
    numberCell(stage.seconds, formatSeconds) +
    numberCell(stage.peakMemoryBytes, (bytes) => `${formatCount(bytes / 1048576)} MiB`) +
    `<td class="digest">${escapeHtml(stage.key)}</td></tr>`
  );
  return [
    `<details><summary>Every stage with its key</summary>`,
    `<div class="scroll" tabindex="0" role="region" aria-label="Stages">`,
    `<table class="booktabs"><thead><tr><th scope="col">Stage</th><th scope="col">This run</th>`,
    `<th scope="col" class="right">Time</th><th scope="col" class="right">Memory</th>`,
    `<th scope="col">Key</th></tr></thead>`,
    `<tbody>${rows.join("\n")}</tbody></table></div>`,
    `<p class="note">The time of a cached stage is that of the run that made it.</p></details>`,
  ].join("\n");
}

function numberCell(value: number | null, format: (value: number) => string): string {
  if (value === null) return `<td class="right"><span class="none">–</span></td>`;
  return `<td class="right" data-value="${value}">${format(value)}</td>`;
}

/** Each system's numbers with the stage instances that gave them, their digests and keys. */
function originsHtml(
  { results, scores = [], reconciliations = [], audits }: ReportInput,
  run: RunFacts | null,
): string {
  const byInstance = new Map<string, StageFacts>(
    (run?.stages ?? []).map((stage) => [stage.instance, stage]),
  );
  const key = (instance: string) => {
    if (run === null) return "";
    const known = byInstance.get(instance)?.key;
    return `<td class="digest">${known === undefined ? "–" : escapeHtml(known)}</td>`;
  };
  const row = (label: string, { instance, digest }: Origin, id = "") =>
    `<tr${id}><th scope="row"${isLongText(label) ? ` class="long"` : ""}>` +
    `${escapeHtml(label)}</th><td>${escapeHtml(instance)}</td>` +
    `<td class="digest">${escapeHtml(digest)}</td>${key(instance)}</tr>`;
  const rows = [
    ...results.systems.flatMap(({ id, label, origins }) =>
      origins.map((origin, i) => row(label, origin, i === 0 ? ` id="origin-${htmlId(id)}"` : ""))
    ),
    ...scores.map(({ origin, tables }) => row(titlesOf(tables), origin)),
    ...reconciliations.map(({ origin }) => row("Verdicts on printed numbers", origin)),
    ...audits.map(({ origin }) => row("Audit", origin)),
  ];
  return [
    `<h3 id="origins">Origins</h3>`,
    `<p>The numbers of a system's row come from these stage outputs; a win rate or a difference comes `,
    `from those of both systems.</p>`,
    `<div class="scroll" tabindex="0" role="region" aria-labelledby="origins">`,
    `<table class="booktabs"><thead><tr><th scope="col">System</th><th scope="col">Stage</th>`,
    `<th scope="col">Digest of its output</th>${
      run === null ? "" : `<th scope="col">Key</th>`
    }</tr></thead>`,
    `<tbody>${rows.join("\n")}</tbody></table></div>`,
  ].join("\n");
}
