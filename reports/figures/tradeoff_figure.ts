import type { TopLevelSpec } from "vega-lite";
import { InputError, nearest } from "../../core/problem.ts";
import type { Metric, Results } from "../../core/results.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { formatNumber } from "../number_format.ts";
import { unitLabel } from "../results_table.ts";
import { visibleText } from "../../core/visible_text.ts";
import { systemStyle } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";

type TradeoffSpec = Extract<FigureSpec, { kind: "tradeoff" }>;

interface TradeoffPoint {
  readonly label: string;
  readonly seed: number | null;
  readonly x: number;
  readonly y: number;
}

/**
 * What a system gained against how far it moved: metric `y` over metric `x`, one large point a system
 * (mean over seeds), a small one for each seed.
 *
 * @throws InputError when a metric is not in the results
 */
export async function tradeoffFigure(results: Results, spec: TradeoffSpec): Promise<Figure> {
  checkMetrics(results, spec);
  const [x, y] = [results.metrics[spec.x], results.metrics[spec.y]];
  const points = pointsOf(results, spec);
  const means = points.filter(({ seed }) => seed === null);
  const text = {
    id: `figure-tradeoff-${spec.y}-${spec.x}`.replace(/[^A-Za-z0-9]+/g, "-"),
    title: visibleText(`${y.label} against ${x.label}`),
    description: means.map((point) =>
      `${point.label}: ${formatNumber(point.y, y.digits)} at ${formatNumber(point.x, x.digits)}.`
    ).join(" "),
  };
  return {
    ...text,
    id: text.id.slice("figure-".length),
    caption: results.seeds.length > 1 ? "Large: mean over seeds; small: each seed." : "One seed.",
    svg: await renderSvg(
      specification(points, { x: axisTitle(x), y: axisTitle(y) }),
      text,
    ),
  };
}

function axisTitle(metric: Metric): string {
  const unit = unitLabel(metric);
  return visibleText(unit === null ? metric.label : `${metric.label} (${unit})`);
}

function pointsOf(results: Results, spec: TradeoffSpec): TradeoffPoint[] {
  return results.systems.flatMap(({ label, metrics }) => {
    const [x, y] = [metrics[spec.x], metrics[spec.y]];
    if (x === undefined || y === undefined) return [];
    const seeds = results.seeds.flatMap((seed, i) => {
      const [across, up] = [x.perSeed[i], y.perSeed[i]];
      return across === null || up === null ? [] : [{ seed, x: across, y: up }];
    });
    return [
      ...seeds,
      { seed: null, x: x.mean, y: y.mean },
    ].map((point) => ({ label: visibleText(label), ...point }));
  });
}

/** Position by both metrics, colour and shape by system. */
function encodingOf(
  points: readonly TradeoffPoint[],
  titles: { readonly x: string; readonly y: string },
) {
  const domain = [...new Set(points.map(({ label }) => label))];
  const styles = domain.map((_, place) => systemStyle(place));
  return {
    x: { field: "x", type: "quantitative" as const, title: titles.x },
    y: {
      field: "y",
      type: "quantitative" as const,
      title: titles.y,
      scale: { zero: false, padding: 10 },
    },
    color: {
      field: "label",
      type: "nominal" as const,
      scale: { domain, range: styles.map(({ colour }) => colour) },
      legend: { orient: "right" as const },
    },
    shape: {
      field: "label",
      type: "nominal" as const,
      scale: { domain, range: styles.map(({ shape }) => shape) },
    },
  };
}

function specification(
  points: readonly TradeoffPoint[],
  titles: { readonly x: string; readonly y: string },
): TopLevelSpec {
  const encoding = encodingOf(points, titles);
  const rows = (means: boolean) =>
    points.filter(({ seed }) => (seed === null) === means).map((point) => ({ ...point }));
  return {
    width: 440,
    height: 280,
    layer: [
      {
        data: { values: rows(false) },
        mark: { type: "point", size: 28, strokeWidth: 1, opacity: 0.7 },
        encoding,
      },
      {
        data: { values: rows(true) },
        mark: { type: "point", size: 150, strokeWidth: 2.4, opacity: 1 },
        encoding,
      },
    ],
  };
}

function checkMetrics(results: Results, spec: TradeoffSpec): void {
  const known = Object.keys(results.metrics);
  const problems = (["x", "y"] as const).filter((axis) => !known.includes(spec[axis])).map(
    (axis) => ({
      path: `figures.tradeoff.${axis}`,
      message: `No metric is called "${spec[axis]}" in the results. Known: ${known.join(", ")}.`,
      nearest: nearest(spec[axis], known),
    }),
  );
  if (problems.length > 0) throw new InputError(problems);
}
