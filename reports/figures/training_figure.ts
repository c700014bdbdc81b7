import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../core/results.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { formatNumber } from "../number_format.ts";
import {
  checkCurves,
  curvesOf,
  describeLines,
  type LinePoint,
  linePoints,
  linesCaption,
  measuredOn,
} from "./curves.ts";
import { lineLayers, systemEncoding } from "./line_layers.ts";
import { INK, PAPER } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";
import { trainingQuantity } from "./training_quantity.ts";

type TrainingSpec = Extract<FigureSpec, { kind: "training" }>;

/**
 * One quantity along training, every system in one panel. The best point of
 * each seed of the system `stopped` is marked: where early stopping would have ended it.
 *
 * @throws InputError when the results hold no such curves
 */
export async function trainingFigure(results: Results, spec: TrainingSpec): Promise<Figure> {
  const { systems, value, stopped } = spec;
  checkCurves(results, {
    figure: "figures.training",
    systems: [...systems, ...(stopped === undefined ? [] : [stopped])],
    values: [value],
  });
  const points = linePoints(curvesOf(results, systems), value);
  const best = bestPoints(points, stopped, results.metrics[value]?.better === "lower" ? -1 : 1);
  const { label, axis, digits } = trainingQuantity(results, value);
  const text = {
    id: `figure-training-${value.replace(/[^A-Za-z0-9]+/g, "-")}`,
    title: `${label} along training`,
    description: [...describeLines(points, digits), ...describeBest(best, digits)].join(" "),
  };
  const marked = best.length === 0
    ? ""
    : ` Diamonds: the best point of each seed of ${best[0].label}, where early stopping on these ` +
      "items would end it.";
  return {
    ...text,
    id: text.id.slice("figure-".length),
    caption: `${label} ${ITEMS[measuredOn(value)]}. ${linesCaption(points)}${marked}`,
    svg: await renderSvg(specification(systemEncoding(results, points, axis), points, best), text),
  };
}

const ITEMS = {
  validation: "on the held-out validation items",
  training: "in the training batches, averaged over a window of steps",
} as const;

/** The best point of each seed of a system; the earliest of equals. */
function bestPoints(
  points: readonly LinePoint[],
  system: string | undefined,
  sign: number,
): LinePoint[] {
  const own = points.filter((point) => point.system === system && point.seed !== null);
  return [...new Set(own.map(({ seed }) => seed))].map((seed) =>
    own.filter((point) => point.seed === seed)
      .reduce((best, point) => sign * (point.value - best.value) > 0 ? point : best)
  );
}

function specification(
  encoding: ReturnType<typeof systemEncoding>,
  points: readonly LinePoint[],
  best: readonly LinePoint[],
): TopLevelSpec {
  return {
    data: { values: points.map((point) => ({ ...point })) },
    width: 600,
    height: 280,
    layer: [
      ...lineLayers(encoding),
      {
        data: { values: best.map((point) => ({ ...point })) },
        mark: { type: "point", shape: "diamond", size: 90, fill: PAPER, stroke: INK, opacity: 1 },
        encoding: { x: encoding.x, y: encoding.y },
      },
    ],
  };
}

function describeBest(best: readonly LinePoint[], digits: number): string[] {
  if (best.length === 0) return [];
  const stops = best.map(({ seed, step, value }) =>
    `seed ${seed}: ${formatNumber(value, digits)} at step ${step}`
  );
  return [`Best of ${best[0].label}: ${stops.join(", ")}.`];
}
