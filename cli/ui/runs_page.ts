import { formatSeconds } from "../../pipeline/reporters/quantities.ts";
import type { Published } from "../published_reports.ts";
import { attribute, type Html, html, NOTHING } from "./html.ts";
import { type Page, partElements, type Parts } from "./page.ts";
import type { RunSummary } from "./run_watch.ts";
import { tableRegion } from "./table_region.ts";

/** What the first page shows. */
export interface StoreView {
  /** The store's folder. */
  readonly path: string;
  /** The newest runs, newest first. */
  readonly runs: readonly RunSummary[];
  /** How many runs there are in all. */
  readonly total: number;
  readonly reports: readonly Published[];
}

/** Runs that the first page lists at most. */
export const MOST_RUNS = 100;

/** The first page: runs, a form to compare two, reports. */
export function runsPage(view: StoreView): Page {
  const body = html`<h1>Runs</h1>
<p class="digest">${view.path}</p>
${partElements(runsParts(view))}
${compareForm(view.runs)}`;
  return { title: "Runs", body, events: "/events" };
}

/** What of it changes. */
export function runsParts({ runs, total, reports }: StoreView): Parts {
  return { runs: runsTable(runs, total), reports: reportList(reports) };
}

/** A point in time from a record: `2026-11-26 11:46 UTC`; a text that is none stays as it is. */
export function formatWhen(text: string | number): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return String(text);
  return `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** The path of a published report. */
export function reportHref(name: string): string {
  return `/reports/${name.split("/").map(encodeURIComponent).join("/")}/`;
}

/** The path of the comparison of two runs. */
export function diffHref(before: string, after: string): string {
  return `/diff?a=${before}&b=${after}`;
}

function runsTable(runs: readonly RunSummary[], total: number): Html {
  if (runs.length === 0) {
    return html`<p>No runs yet. <code>deno task reproduce</code> begins one; it will appear here.</p>`;
  }
  const rows = runs.map((summary, i) => {
    const { run, recipe, startedAt, status, seconds } = summary;
    const earlier = runs.slice(i + 1).find((other) => other.recipe === recipe);
    const compare = earlier === undefined
      ? html`–`
      : html`<a href="${diffHref(earlier.run, run)}">with ${earlier.run}</a>`;
    return html`
      <tr>
        <th scope="row"><a href="/runs/${run}">${run}</a></th>
        <td class="name">${recipe}</td>
        <td class="state ${status}">${status}</td>
        <td class="state">${formatWhen(startedAt)}</td>
        <td class="right">${summary.ran}</td>
        <td class="right">${summary.cached}</td>
        <td class="right">${summary.failed}</td>
        <td class="right">${seconds === null ? "–" : formatSeconds(seconds)}</td>
        <td class="state">${compare}</td>
      </tr>
    `;
  });
  const more = total > runs.length
    ? html`<p class="note">The newest ${runs.length} of ${total}.</p>`
    : NOTHING;
  const right = (text: string) => ({ right: text });
  const heads = [
    ...["Run", "Recipe", "Status", "Started"],
    ...["Ran", "Cached", "Failed", "Time"].map(right),
    "Compare",
  ];
  return html`
    ${tableRegion({ label: "Runs", heads, rows })}${more}
  `;
}

function reportList(reports: readonly Published[]): Html {
  if (reports.length === 0) return NOTHING;
  const items = reports.map(({ name, time }) => {
    const when = formatWhen(time);
    return html`<li><a href="${
      reportHref(name)
    }">${name}</a> <span class="small">${when}</span></li>`;
  });
  return html`
    <h2>Reports</h2>
    <ul>${items}</ul>
  `;
}

function compareForm(runs: readonly RunSummary[]): Html {
  if (runs.length < 2) return NOTHING;
  const options = (chosen: string) =>
    runs.map(({ run, recipe, status }) =>
      html`
        <option value="${run}" ${attribute(
          "selected",
          run === chosen ? "" : null,
        )}>${run} ${recipe}, ${status}</option>
      `
    );
  const [latest, second] = runs;
  const previous = runs.slice(1).find(({ recipe }) => recipe === latest.recipe) ?? second;
  const [earlier, later] = [options(previous.run), options(latest.run)];
  return html`
    <h2>Compare two runs</h2>
    <form action="/diff">
      <div><label for="a">This run</label><select id="a" name="a">${earlier}</select></div>
      <div><label for="b">with this one</label><select id="b" name="b">${later}</select></div>
      <div>
        <label for="tolerance">Relative tolerance</label>
        <input id="tolerance" name="tolerance" value="0" size="8" inputmode="decimal">
      </div>
      <button class="tool">Compare</button>
    </form>
  `;
}
