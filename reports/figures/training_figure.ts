import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../core/results.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { formatNumber } from "../number_format.ts";
import { visibleText } from "../../core/visible_text.ts";
import {
  averageOf,
  checkCurves,
  curvesOf,
  type LinePoint,
  linePoints,
  linesCaption,
  measuredOn,
} from "./curves.ts";
import { INK, PAPER, systemStyle } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";

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
  const metric = results.metrics[value];
  const best = bestPoints(points, stopped, metric?.better === "lower" ? -1 : 1);
  const label = visibleText(metric?.label ?? value);
  const text = {
    id: `figure-training-${value.replace(/[^A-Za-z0-9]+/g, "-")}`,
    title: `${label} along training`,
    description: describe(points, best, metric?.digits ?? 2),
  };
  const marked = best.length === 0
    ? ""
    : ` Diamonds: the best point of each seed of ${best[0].label}, where early stopping on these ` +
      "items would end it.";
  return {
    ...text,
    id: text.id.slice("figure-".length),
    caption: `${label} ${ITEMS[measuredOn(value)]}. ${linesCaption(points)}${marked}`,
    svg: await renderSvg(specification(results, { points, best, label }), text),
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

interface Drawn {
  readonly points: readonly LinePoint[];
  readonly best: readonly LinePoint[];
  /** The quantity, for the axis. */
  readonly label: string;
}

/** Position by step and value, colour and dash by system. */
function encodingOf(results: Results, { points, label }: Drawn) {
  const labels = [...new Map(points.map(({ system, label }) => [system, label]))];
  const styles = labels.map(([id]) =>
    systemStyle(Math.max(0, results.systems.findIndex((system) => system.id === id)))
  );
  const domain = labels.map(([, label]) => label);
  return {
    x: { field: "step", type: "quantitative" as const, title: "Training step" },
    y: {
      field: "value",
      type: "quantitative" as const,
      title: label,
      scale: { zero: false, padding: 6 },
    },
    color: {
      field: "label",
      type: "nominal" as const,
      scale: { domain, range: styles.map(({ colour }) => colour) },
      legend: { orient: "top" as const, symbolType: "stroke", columns: 4 },
    },
    strokeDash: {
      field: "label",
      type: "nominal" as const,
      scale: { domain, range: styles.map(({ dash }) => dash) },
    },
  };
}

function specification(results: Results, drawn: Drawn): TopLevelSpec {
  const encoding = encodingOf(results, drawn);
  return {
    width: 600,
    height: 280,
    layer: [
      {
        data: { values: values(drawn.points, false) },
        mark: { type: "line", strokeWidth: 0.9, opacity: 0.55 },
        encoding: { ...encoding, detail: { field: "seed", type: "nominal" } },
      },
      {
        data: { values: values(drawn.points, true) },
        mark: { type: "line", strokeWidth: 2.6 },
        encoding,
      },
      {
        data: { values: drawn.best.map((point) => ({ ...point })) },
        mark: { type: "point", shape: "diamond", size: 90, fill: PAPER, stroke: INK, opacity: 1 },
        encoding: { x: encoding.x, y: encoding.y },
      },
    ],
  };
}

function values(points: readonly LinePoint[], means: boolean) {
  return points.filter(({ seed }) => (seed === null) === means).map((point) => ({ ...point }));
}

function describe(
  points: readonly LinePoint[],
  best: readonly LinePoint[],
  digits: number,
): string {
  const means = points.filter(({ seed }) => seed === null);
  const lines = [...new Set(means.map(({ label }) => label))].map((label) => {
    const line = means.filter((point) => point.label === label);
    const [first, last] = [line[0], line[line.length - 1]];
    return `${label}: from ${formatNumber(first.value, digits)} at step ${first.step} to ` +
      `${formatNumber(last.value, digits)} at step ${last.step} (${averageOf(points, label)}).`;
  });
  const stops = best.map(({ seed, step, value }) =>
    `seed ${seed}: ${formatNumber(value, digits)} at step ${step}`
  );
  return [
    ...lines,
    ...(stops.length === 0 ? [] : [`Best of ${best[0].label}: ${stops.join(", ")}.`]),
  ]
    .join(" ");
}
