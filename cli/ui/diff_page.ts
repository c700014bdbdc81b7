import type { Difference } from "../../pipeline/artifact.ts";
import type { InstanceDifference, OutputDifference, RunDifference } from "../../pipeline/diff.ts";
import { shortDigests } from "../../pipeline/diff_text.ts";
import { formatCount, formatSeconds } from "../../pipeline/reporters/quantities.ts";
import type { RunRecord } from "../../pipeline/store/records.ts";
import { curveChart } from "./curve_chart.ts";
import { attribute, type Html, html, NOTHING } from "./html.ts";
import { HOME_LINK, type Page } from "./page.ts";
import { MOST_CHARTS } from "./run_page.ts";
import { formatWhen } from "./runs_page.ts";
import type { StepCurve } from "./step_curve.ts";

/** Two runs side by side. */
export interface DiffView {
  readonly difference: RunDifference;
  /** Relative tolerance for numbers. */
  readonly tolerance: number;
  /** The curves of both runs' training, by stage. */
  readonly curves: {
    readonly before: ReadonlyMap<string, StepCurve>;
    readonly after: ReadonlyMap<string, StepCurve>;
  };
}

/** Differences shown at most: of one list, and stages with any. */
const SHOWN = { differences: 30, instances: 300, characters: 400 } as const;

/** What differs between two runs, one beside the other. */
export function diffPage(view: DiffView): Page {
  const { difference } = view;
  const { before, after, parameters, instances, equal } = difference;
  const body = html`${HOME_LINK}
<h1>Run ${before.run} beside run ${after.run}</h1>
<p class="answer">${summary(difference, view.tolerance)}</p>
${runsTable(difference)}
${
    parameters.length === 0
      ? NOTHING
      : html`<h2>Parameters</h2>${differenceTable(parameters, difference)}`
  }
${trainingCharts(view)}
${
    instances.length === 0
      ? NOTHING
      : html`<h2>Stages that differ</h2>${
        instances.slice(0, SHOWN.instances).map((one) => instanceSection(one, difference))
      }${moreThan(instances.length, SHOWN.instances, "stage")}`
  }
${equal === 0 ? NOTHING : html`<p class="note">${formatCount(equal, "stage")} equal in both.</p>`}`;
  return { title: `${before.run} beside ${after.run}`, body };
}

function summary({ instances, equal }: RunDifference, tolerance: number): Html {
  const within = tolerance === 0 ? "" : ` Numbers may differ by ${tolerance} of their size.`;
  if (instances.length === 0) {
    return html`<strong class="done">Equal</strong>: ${
      formatCount(equal, "stage")
    }, all the same.${within}`;
  }
  const verb = instances.length === 1 ? "differs" : "differ";
  return html`<strong>${
    formatCount(instances.length, "stage")
  } ${verb}</strong>, ${equal} equal.${within}`;
}

type Row = readonly [label: string, before: string, after: string];

function runsTable({ before, after }: RunDifference): Html {
  const row = (label: string, of: (run: RunRecord) => string): Row => [
    label,
    of(before),
    of(after),
  ];
  const count = (state: string) => ({ instances }: RunRecord) =>
    String(instances.filter((one) => one.state === state).length);
  const rows: Row[] = [
    row("Recipe", ({ recipe }) => recipe),
    row("Started", ({ startedAt }) => formatWhen(startedAt)),
    row("Status", ({ status }) => status),
    row("Time", ({ seconds }) => seconds === null ? "–" : formatSeconds(seconds)),
    row("Stages that ran", count("ran")),
    row("Stages cached", count("cached")),
    row("Stages failed", count("failed")),
    row("Command", ({ command }) => command.join(" ")),
    row("Processor", ({ host }) => host.isa),
    row("System", ({ host }) => host.os),
    row("Deno", ({ host }) => host.deno),
  ];
  return html`<h2>The two runs</h2>${sideBySide(rows, { before, after, linked: true })}`;
}

function trainingCharts({ curves, difference }: DiffView): Html {
  const { before, after } = difference;
  const changed = new Set(difference.instances.map(({ id }) => id));
  const ids = [...curves.before.keys()].filter((id) => curves.after.has(id) && changed.has(id));
  if (ids.length === 0) return NOTHING;
  const charts = ids.slice(0, MOST_CHARTS).map((id) =>
    curveChart(id, [
      { label: before.run, points: curves.before.get(id)!.points("loss") },
      { label: after.run, points: curves.after.get(id)!.points("loss") },
    ])
  );
  return html`<h2>Loss of trainings that differ</h2><div class="charts">${charts}</div>${
    moreThan(ids.length, MOST_CHARTS, "training")
  }`;
}

function instanceSection(
  { id, change, fields, outputs }: InstanceDifference,
  runs: RunDifference,
): Html {
  const name = html`<span class="name">${id}</span>`;
  if (change !== "changed") {
    const { run } = change === "added" ? runs.after : runs.before;
    return html`<p>${name}: only in run ${run}</p>`;
  }
  const what = fields.length === 0
    ? "same key, different result"
    : `${formatCount(fields.length, "field")} of the key, ${formatCount(outputs.length, "output")}`;
  return html`<details><summary>${name} <span class="small">${what}</span></summary>
${fields.length === 0 ? NOTHING : differenceTable(fields, runs)}
${outputs.map((output) => outputSection(output, runs))}</details>`;
}

function outputSection(output: OutputDifference, runs: RunDifference): Html {
  const { port, type, before, after, differences } = output;
  const head = html`<p>Output ${port} (${type}) <span class="digest">${brief(before)} → ${
    brief(after)
  }</span>`;
  if (differences === null) return html`${head}: no longer both in the store</p>`;
  if (differences.length === 0) return html`${head}: equal within the tolerance</p>`;
  return html`${head}</p>${differenceTable(differences, runs)}`;
}

function differenceTable(
  differences: readonly Difference[],
  { before, after }: RunDifference,
): Html {
  const rows = differences.slice(0, SHOWN.differences).map((one): Row => [
    one.path,
    brief(one.before),
    brief(one.after),
  ]);
  return html`${sideBySide(rows, { before, after, linked: false })}${
    moreThan(differences.length, SHOWN.differences, "difference")
  }`;
}

function sideBySide(
  rows: readonly Row[],
  { before, after, linked }: { before: RunRecord; after: RunRecord; linked: boolean },
): Html {
  const heading = ({ run }: RunRecord) =>
    linked
      ? html`<th scope="col"><a href="/runs/${run}">Run ${run}</a></th>`
      : html`<th scope="col">Run ${run}</th>`;
  const kind = linked ? "" : "value";
  const lines = rows.map(([label, a, b]) =>
    html`
      <tr${attribute("class", linked && a !== b ? "differs" : null)}>
        <th scope="row">${label}</th>
        <td class="${kind}">${a}</td>
        <td class="${kind}">${b}</td>
        </tr>
    `
  );
  return html`
    <table class="booktabs beside">
      <thead>
        <tr><td></td>${heading(before)}${heading(after)}</tr>
      </thead>
      <tbody>${lines}</tbody>
    </table>
  `;
}

function moreThan(count: number, shown: number, noun: string): Html {
  if (count <= shown) return NOTHING;
  return html`<p class="note">And ${
    formatCount(count - shown, noun)
  } more; <code>ballast diff --json</code> has all.</p>`;
}

/** A digest by its first digits, a long text by its beginning. */
function brief(value: string): string {
  const short = shortDigests(value);
  return short.length <= SHOWN.characters ? short : `${short.slice(0, SHOWN.characters)} …`;
}
