import { entryOf } from "../core/instance_id.ts";
import { escapeHtml } from "./html.ts";
import { formatSeconds } from "./number_format.ts";
import type { StageFacts } from "./run_facts.ts";

/** Units of the drawing: width of the names' column and of the bars', height of a lane. */
const NAMES = 170;
const BARS = 590;
const LANE = 14;
const TOP = 22;

/** Distances between ticks, in seconds. */
const STEPS = [
  0.1,
  0.2,
  0.5,
  1,
  2,
  5,
  10,
  20,
  30,
  60,
  120,
  300,
  600,
  1200,
  1800,
  3600,
  7200,
  14400,
];
const MOST_TICKS = 8;

/** A stage that ran in the run, with the times of its bar in seconds. */
interface Bar {
  readonly instance: string;
  readonly entry: string;
  readonly from: number;
  readonly to: number;
}

/**
 * When each stage of a run ran, as SVG: a row an entry of the recipe, a bar an instance, instances that
 * ran at once under each other. Null where nothing ran.
 *
 * @param stages in the order of the rows
 */
export function ganttSvg(stages: readonly StageFacts[]): string | null {
  const bars = barsOf(stages);
  if (bars.length === 0) return null;
  const end = Math.max(...bars.map(({ to }) => to));
  const x = (seconds: number) => round(NAMES + BARS * seconds / (end || 1));
  let y = TOP;
  const rows = [...Map.groupBy(bars, ({ entry }) => entry)].map(([entry, own]) => {
    const lanes = inLanes(own);
    const drawn = lanes.flatMap((lane, i) =>
      lane.map(({ instance, from, to }) =>
        `<rect x="${x(from)}" y="${y + i * LANE + 2}" width="${
          round(Math.max(1, x(to) - x(from)))
        }" height="${LANE - 4}"><title>${escapeHtml(instance)}: ${formatSeconds(to - from)}, from ${
          formatSeconds(from)
        }</title></rect>`
      )
    );
    const name = `<text x="${NAMES - 8}" y="${y + 11}" text-anchor="end">${
      escapeHtml(shortened(entry))
    }</text>`;
    y += lanes.length * LANE + 4;
    return name + drawn.join("");
  });
  const ticks = ticksUpTo(end).map((seconds) =>
    `<line x1="${x(seconds)}" x2="${x(seconds)}" y1="${TOP - 4}" y2="${y}"/>` +
    `<text x="${x(seconds)}" y="12" text-anchor="middle">${clock(seconds)}</text>`
  );
  return [
    `<svg class="gantt" viewBox="0 0 ${NAMES + BARS + 30} ${y + 4}" role="img" ` +
    `aria-labelledby="gantt-title gantt-words">`,
    `<title id="gantt-title">When each stage ran</title>`,
    `<desc id="gantt-words">${escapeHtml(inWords(bars, end))}</desc>`,
    `<g class="ticks">${ticks.join("")}</g>`,
    ...rows,
    `</svg>`,
  ].join("\n");
}

function barsOf(stages: readonly StageFacts[]): Bar[] {
  return stages.flatMap(({ instance, begun, seconds, state }) => {
    if (state !== "ran" || begun === null || seconds === null) return [];
    const entry = entryOf(instance);
    return [{ instance, entry, from: begun, to: begun + seconds }];
  });
}

/** Bars so spread over lanes that those of one lane do not overlap; as few lanes as that takes. */
function inLanes(bars: readonly Bar[]): Bar[][] {
  const lanes: Bar[][] = [];
  for (const bar of bars.toSorted((a, b) => a.from - b.from)) {
    const free = lanes.find((lane) => lane.at(-1)!.to <= bar.from);
    if (free === undefined) lanes.push([bar]);
    else free.push(bar);
  }
  return lanes;
}

function ticksUpTo(end: number): number[] {
  const step = STEPS.find((step) => end / step <= MOST_TICKS) ?? end / MOST_TICKS;
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => i * step);
}

/** `0`, `0.5 s`, `30 s`, `2 min`, `1.5 h`. */
function clock(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 60) return `${round(seconds)} s`;
  return seconds < 3600 ? `${round(seconds / 60)} min` : `${round(seconds / 3600)} h`;
}

function inWords(bars: readonly Bar[], end: number): string {
  const rows = [...Map.groupBy(bars, ({ entry }) => entry)].map(([entry, own]) => {
    const from = Math.min(...own.map(({ from }) => from));
    const to = Math.max(...own.map(({ to }) => to));
    return `${entry} from ${formatSeconds(from)} to ${formatSeconds(to)}`;
  });
  return `${bars.length} stages in ${formatSeconds(end)}: ${rows.join("; ")}.`;
}

function shortened(name: string): string {
  return name.length > 24 ? `${name.slice(0, 23)}…` : name;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}
