import { type Html, html, NOTHING } from "./html.ts";

/** A line of a chart. */
export interface ChartLine {
  readonly label: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
}

/** Colours, each with its own dashes, before they repeat. */
const STYLES = 8;

/** The drawing's size and the room for the axes' numbers, in its own units. */
const SIZE = { width: 300, height: 160, left: 44, right: 6, top: 8, bottom: 18 } as const;

/**
 * A small chart over training steps as a `<figure>`: lines with a legend that gives the last value of
 * each. Lines without points are left out, and so is a chart that has no other.
 */
export function curveChart(title: string, lines: readonly ChartLine[]): Html {
  const drawn = lines.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return NOTHING;
  const all = drawn.flatMap(({ points }) => points);
  const area: Area = {
    steps: extent(all.map(({ step }) => step)),
    values: extent(all.map(({ value }) => value)),
  };
  return html`<figure class="chart"><h3>${title}</h3>${drawing(drawn, area)}<figcaption>${
    drawn.map(legend)
  }</figcaption></figure>`;
}

/** A number short enough for an axis: `0.693`, `−12.4`, `7.1e−4`, `2.3e5`. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  const short = size !== 0 && (size < 1e-3 || size >= 1e5)
    ? value.toExponential(1).replace("+", "")
    : String(Number(value.toPrecision(3)));
  return short.replaceAll("-", "−");
}

interface Area {
  readonly steps: readonly [number, number];
  readonly values: readonly [number, number];
}

function drawing(lines: readonly ChartLine[], { steps, values }: Area): Html {
  const { width, height, left, right, top, bottom } = SIZE;
  const x = scale(steps, [left, width - right]);
  const y = scale(values, [height - bottom, top]);
  const paths = lines.map(({ points }, i) => {
    const places = points.map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    return html`
      <polyline class="line line-${i % STYLES}" points="${places.join(" ")}" />
    `;
  });
  const corners = `${left},${top} ${left},${height - bottom} ${width - right},${height - bottom}`;
  return html`<svg viewBox="0 0 ${width} ${height}" aria-hidden="true">
<polyline class="axis" points="${corners}"/>
<text x="${left - 5}" y="${top + 8}" text-anchor="end">${shortNumber(values[1])}</text>
<text x="${left - 5}" y="${height - bottom}" text-anchor="end">${shortNumber(values[0])}</text>
<text x="${left}" y="${height - 4}">${steps[0]}</text>
<text x="${width - right}" y="${height - 4}" text-anchor="end">step ${steps[1]}</text>
${paths}
</svg>`;
}

function legend({ label, points }: ChartLine, at: number): Html {
  const { step, value } = points[points.length - 1];
  const swatch = html`
    <svg class="swatch" viewBox="0 0 18 8" aria-hidden="true">
      <line class="line-${at % STYLES}" x1="0" y1="4" x2="18" y2="4" stroke-width="3" />
    </svg>
  `;
  return html`<span>${swatch}${label} ${shortNumber(value)} at step ${step}</span>`;
}

function extent(numbers: readonly number[]): [number, number] {
  return [
    numbers.reduce((a, b) => Math.min(a, b), Infinity),
    numbers.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
}

/** Maps a range of values to one of places; a range of one value to the middle. */
function scale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): (value: number) => number {
  if (high === low) return () => (from + to) / 2;
  return (value) => from + (value - low) / (high - low) * (to - from);
}
