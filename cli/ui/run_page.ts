import { formatCount, formatEstimate, formatSeconds } from "../../pipeline/reporters/quantities.ts";
import { rateOf, shareDone, stageSecondsLeft } from "../../pipeline/reporters/time_left.ts";
import { curveChart } from "./curve_chart.ts";
import { attribute, type Html, html, NOTHING } from "./html.ts";
import { HOME_LINK, type Page, partElements, type Parts } from "./page.ts";
import { diffHref, formatWhen, reportHref } from "./runs_page.ts";
import type { StageView } from "./run_state.ts";
import type { WatchedRun } from "./run_watch.ts";
import { type CurveName, CURVES } from "./step_curve.ts";
import { tableRegion } from "./table_region.ts";

/** What a run's page shows. */
export interface RunView extends WatchedRun {
  /** Which figure of the training steps is drawn. */
  readonly figure: CurveName;
  /** Names of the recipe's published reports. */
  readonly reports: readonly string[];
  /** The run of the same recipe before this one, to compare with; null for none. */
  readonly earlier: string | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Charts on a page at most. */
export const MOST_CHARTS = 48;

/** Seconds without a word after which a page says so. */
const SILENCE = 60;

/** A run's page. */
export function runPage(view: RunView): Page {
  const { run, recipe, startedAt, command, pid } = view.record;
  const body = html`
    ${HOME_LINK}
    <h1>Run ${run}: ${recipe}</h1>
    ${partElements(runParts(view))}
    <h2>About</h2>
    <dl class="facts">
      <dt>Started</dt>
      <dd>${formatWhen(startedAt)}, process ${pid}</dd>
      <dt>Command</dt>
      <dd><code>ballast ${command.join(" ")}</code></dd>
    </dl>
  `;
  return { title: `Run ${run}`, body, events: `/runs/${run}/events?figure=${view.figure}` };
}

/** What of it changes. */
export function runParts(view: RunView): Parts {
  return {
    standing: standing(view),
    links: links(view),
    problems: problems(view.state.stages),
    running: running(view),
    choice: figureChoice(view),
    curves: curves(view),
    stages: stageTable(view),
    log: log(view),
  };
}

/** The part of an instance's id before its scalar axes: `train/dpo` of `train/dpo@seed=1`. */
function chartName(id: string): string {
  return id.split("@")[0];
}

function standing({ status, state, record, now }: RunView): Html {
  const done = state.count("ran");
  const counts = [
    `${formatCount(done, "stage")} ran`,
    `${state.count("cached")} cached`,
    ...(state.count("failed") > 0 ? [`${state.count("failed")} failed`] : []),
  ].join(", ");
  if (status !== "running") {
    const seconds = record.seconds ?? state.outcome?.seconds ?? null;
    const time = seconds === null ? "" : ` in ${formatSeconds(seconds)}`;
    return html`<p class="answer"><strong class="${status}">${
      capital(status)
    }</strong>${time}: ${counts}.</p>`;
  }
  const elapsed = state.elapsed(now);
  const left = state.secondsLeft(now);
  const words = [
    ...(elapsed === null ? [] : [`${formatSeconds(elapsed)} so far`]),
    ...(left === null ? [] : [`about ${formatEstimate(left)} left`]),
  ].join(", ");
  const ended = done + state.count("failed");
  const counted = `${ended} of ${state.todo} stages done, ${state.count("cached")} cached`;
  const sentence = `: ${counted}.${words === "" ? "" : ` ${words}.`}`;
  return html`<p class="answer"><strong class="running">Running</strong>${sentence}</p>${
    progressBar("whole", { label: "The whole run", share: state.share })
  }${silence(state.lastWord, now)}`;
}

/** A process that computes may say nothing for a while, and one that is stuck says nothing either. */
function silence(lastWord: number | null, now: number): Html {
  const seconds = lastWord === null ? 0 : (now - lastWord) / 1000;
  if (seconds < SILENCE) return NOTHING;
  const words = `No word for ${formatEstimate(seconds)}: a long computation, or one that is stuck.`;
  return html`<p class="small">${words} Its process is there.</p>`;
}

function links({ reports, earlier, record }: RunView): Html {
  const items = [
    ...reports.map((name) => html`<li><a href="${reportHref(name)}">Report ${name}</a></li>`),
    ...(earlier === null ? [] : [
      html`<li><a href="${diffHref(earlier, record.run)}">Compare with run ${earlier}</a></li>`,
    ]),
  ];
  return items.length === 0 ? NOTHING : html`<ul class="choice">${items}</ul>`;
}

function problems(stages: readonly StageView[]): Html {
  const failed = stages.filter(({ standing }) => standing === "failed");
  if (failed.length === 0) return NOTHING;
  return html`<h2>What failed</h2>${
    failed.map(({ id, why }) =>
      html`
        <h3 class="name">${id}</h3>
        <pre class="error">${why}</pre>
      `
    )
  }`;
}

function running({ state, status, now }: RunView): Html {
  if (status !== "running") return NOTHING;
  const stages = state.stages.filter((stage) => stage.running !== null);
  if (stages.length === 0) return NOTHING;
  return html`
    <h2>Running now</h2>
    <ul class="now">${stages.map((stage) => runningStage(stage, now))}</ul>
  `;
}

function runningStage({ id, running }: StageView, now: number): Html {
  if (running === null) return NOTHING;
  const { last, started } = running;
  if (last === null) {
    const since = formatSeconds(Math.max(0, now - started) / 1000);
    return html`<li><div class="name">${id}</div>${
      progressBar("", { label: id, share: null })
    }<div class="small">${since}</div></li>`;
  }
  const { done, total, unit, note } = last.progress;
  const rate = rateOf(running);
  const left = stageSecondsLeft(running, now);
  const words = [
    `${done}/${total} ${unit}`,
    ...(rate === null ? [] : [`${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`]),
    ...(left === null || left === 0 ? [] : [`${formatEstimate(left)} left`]),
    ...(note === undefined ? [] : [note]),
  ];
  return html`<li><div class="name">${id}</div>${
    progressBar("", { label: id, share: shareDone(running) })
  }<div class="small">${words.join(" · ")}</div></li>`;
}

function progressBar(
  name: string,
  { label, share }: { label: string; share: number | null },
): Html {
  const value = attribute("value", share?.toFixed(4) ?? null);
  return html`
    <progress class="${name}" max="1" ${value} aria-label="${label}"></progress>
  `;
}

function curves({ state, figure }: RunView): Html {
  const charts = Map.groupBy(state.curves, ([id]) => chartName(id));
  const shown = [...charts].slice(0, MOST_CHARTS).map(([name, members]) =>
    curveChart(
      name,
      members.sort(([a], [b]) => a < b ? -1 : 1).map(([id, curve]) => ({
        label: id === name ? name : id.slice(name.length + 1),
        points: curve.points(figure),
      })),
    )
  );
  const more = charts.size > MOST_CHARTS
    ? html`<p class="note">${charts.size - MOST_CHARTS} more are not drawn.</p>`
    : NOTHING;
  const none = charts.size > 0 && shown.every((chart) => chart === NOTHING)
    ? html`<p class="small">No step has it.</p>`
    : NOTHING;
  return html`<div class="charts">${shown}</div>${none}${more}`;
}

function figureChoice({ state, figure, record: { run } }: RunView): Html {
  if (state.curves.size === 0) return NOTHING;
  const items = Object.entries(CURVES).map(([name, label]) => {
    const current = attribute("aria-current", name === figure ? "true" : null);
    return html`<li><a href="/runs/${run}?figure=${name}#training"${current}>${label}</a></li>`;
  });
  return html`
    <h2 id="training">Training</h2>
    <ul class="choice">${items}</ul>
  `;
}

function stageTable({ state, status }: RunView): Html {
  const { stages } = state;
  if (stages.length === 0) return NOTHING;
  const rows = stages.map(({ id, standing, seconds, why }) => {
    const shown = standing === "running" && status !== "running" ? "stopped" : standing;
    const time = seconds === null ? "" : formatSeconds(seconds);
    const because = standing === "skipped" || standing === "waiting" && why !== ""
      ? html`
        <span class="small">${why}</span>
      `
      : NOTHING;
    return html`
      <tr>
        <th scope="row" class="name">${id}</th>
        <td class="${shown}">${shown}${because}</td>
        <td class="right">${time}</td>
      </tr>
    `;
  });
  return html`
    <h2>Stages</h2>
    ${tableRegion({ label: "Stages", heads: ["Stage", "State", { right: "Time" }], rows })}
  `;
}

const WARNING = html`
  <span class="warning">warning:</span>
`;

function log({ state }: RunView): Html {
  if (state.log.length === 0) return NOTHING;
  const lines = state.log.toReversed().map(({ id, level, message }) =>
    html`<li><span class="name small">${id}</span> ${
      level === "warning" ? WARNING : NOTHING
    }${message}</li>`
  );
  return html`<h2>What stages said</h2>
<ul class="log" tabindex="0" aria-label="What stages said, newest first">${lines}</ul>`;
}

function capital(word: string): string {
  return word[0].toUpperCase() + word.slice(1);
}
