import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../core/results.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { formatNumber } from "../number_format.ts";
import {
  averageOf,
  checkCurves,
  curvesOf,
  type LinePoint,
  linePoints,
  linesCaption,
} from "./curves.ts";
import { lineLayers, systemEncoding } from "./line_layers.ts";
import { FAINT } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";
import { type TrainingQuantity, trainingQuantity } from "./training_quantity.ts";

type OverOptimisationSpec = Extract<FigureSpec, { kind: "over-optimisation" }>;

/** A snapshot by two quantities. */
interface PathPoint extends LinePoint {
  /** The quantity across; `value` is the one upwards. */
  readonly across: number;
}

/** The win rate at which neither of two is better. */
const EVEN = 50;

/**
 * What training buys for the distance that it goes: `y` against `x`, each system a line through its
 * snapshots in the order of training, a ring at the last. A line that turns down over-optimises.
 *
 * @throws InputError when the results hold no such curves
 */
export async function overOptimisationFigure(
  results: Results,
  { systems, x, y }: OverOptimisationSpec,
): Promise<Figure> {
  checkCurves(results, { figure: "figures.over-optimisation", systems, values: [x, y] });
  const curves = curvesOf(results, systems);
  const points = pathPoints(linePoints(curves, x), linePoints(curves, y));
  const [across, up] = [x, y].map((name) => trainingQuantity(results, name));
  const text = {
    id: `figure-over-optimisation-${y}-${x}`.replace(/[^A-Za-z0-9]+/g, "-"),
    title: `${up.label} against ${across.label} along training`,
    description: describe(points, { across, up }).join(" "),
  };
  return {
    ...text,
    id: text.id.slice("figure-".length),
    caption:
      `Each point is a snapshot, on the held-out validation items, in the order of training; ` +
      `rings: the last. ${linesCaption(points)}${
        y === "winRate" ? " Dashed: where neither wins more often." : ""
      }`,
    svg: await renderSvg(specification(results, points, { across, up }), text),
  };
}

/** The snapshots that have both quantities. */
function pathPoints(across: readonly LinePoint[], up: readonly LinePoint[]): PathPoint[] {
  const key = ({ system, seed, step }: LinePoint) => JSON.stringify([system, seed, step]);
  const known = new Map(across.map((point) => [key(point), point.value]));
  return up.flatMap((point) => {
    const found = known.get(key(point));
    return found === undefined ? [] : [{ ...point, across: found }];
  });
}

type Axes = { readonly across: TrainingQuantity; readonly up: TrainingQuantity };

/** Each system's means in words: the last snapshot, and the highest where that is another one. */
function describe(points: readonly PathPoint[], { across, up }: Axes): string[] {
  const means = points.filter(({ seed }) => seed === null);
  const place = (point: PathPoint) =>
    `${formatNumber(point.value, up.digits)} at ${formatNumber(point.across, across.digits)} ` +
    `(step ${point.step})`;
  return [...new Set(means.map(({ label }) => label))].map((label) => {
    const path = means.filter((point) => point.label === label);
    const best = path.reduce((most, point) => point.value > most.value ? point : most);
    const last = path[path.length - 1];
    const highest = best === last ? "" : `, highest ${place(best)}`;
    return `${label}: from ${place(path[0])}${highest}, to ${place(last)} at the end; ` +
      `${averageOf(points, label)}.`;
  });
}

function specification(results: Results, points: readonly PathPoint[], axes: Axes): TopLevelSpec {
  const { y, color, strokeDash } = systemEncoding(results, points, axes.up.axis);
  const x = { field: "across", type: "quantitative" as const, title: axes.across.axis };
  const placed = { x, y, color };
  const order = { field: "step", type: "quantitative" as const };
  const means = points.filter(({ seed }) => seed === null);
  const last = means.filter(({ system, step }) =>
    means.every((other) => other.system !== system || other.step <= step)
  );
  return {
    data: { values: points.map((point) => ({ ...point })) },
    width: 600,
    height: 320,
    layer: [
      ...(axes.up.name === "winRate"
        ? [{
          data: { values: [{ value: EVEN }] },
          mark: { type: "rule" as const, stroke: FAINT, strokeDash: [3, 3] },
          encoding: { y },
        }]
        : []),
      ...lineLayers({ ...placed, strokeDash, order }),
      {
        transform: [{ filter: "datum.seed === null" }],
        mark: { type: "point", filled: true, size: 34, opacity: 1 },
        encoding: placed,
      },
      {
        data: { values: last.map((point) => ({ ...point })) },
        mark: { type: "point", size: 170, strokeWidth: 2.2, opacity: 1 },
        encoding: placed,
      },
    ],
  };
}
