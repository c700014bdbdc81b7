import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../core/results.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { formatWithInterval } from "../number_format.ts";
import { visibleText } from "../../core/visible_text.ts";
import { evenLayers, intervalLayers, type MarkedPoint, pointEncoding } from "./point_layers.ts";
import { renderSvg } from "./render_svg.ts";
import { tradeoffQuantities, type TradeoffQuantity } from "./tradeoff_quantity.ts";

type TradeoffSpec = Extract<FigureSpec, { kind: "tradeoff" }>;
type Axes = { readonly x: TradeoffQuantity; readonly y: TradeoffQuantity };

/** A system's means, or the values of one of its seeds. */
interface TradeoffPoint extends MarkedPoint {
  /** Null for the means, which alone have intervals. */
  readonly seed: number | null;
}

/**
 * What a system gained against how far it moved: `y`, a metric or a win rate, over `x`; one large point a
 * system (mean over seeds) with its 95% intervals, a small one for each seed.
 *
 * @throws InputError when a metric or a system is not in the results
 */
export async function tradeoffFigure(results: Results, spec: TradeoffSpec): Promise<Figure> {
  const axes = tradeoffQuantities(results, spec);
  const { x, y } = axes;
  const points = pointsOf(results, axes);
  const text = {
    id: `figure-tradeoff-${y.name}-${x.name}`.replace(/[^A-Za-z0-9]+/g, "-"),
    title: `${y.label} against ${x.label}`,
    description: points.filter(({ seed }) => seed === null).map(({ label, ...at }) =>
      `${label}: ${formatWithInterval(at.y, at.yInterval, y.digits)} at ${
        formatWithInterval(at.x, at.xInterval, x.digits)
      }.`
    ).join(" "),
  };
  return {
    ...text,
    id: text.id.slice("figure-".length),
    caption: captionOf(results, axes),
    svg: await renderSvg(specification(points, axes), text),
  };
}

function pointsOf(results: Results, { x, y }: Axes): TradeoffPoint[] {
  return results.systems.flatMap((system, place) => {
    const [across, up] = [x.estimate(system), y.estimate(system)];
    if (across === null || up === null) return [];
    const own = { label: visibleText(system.label), place };
    const none = { xInterval: null, yInterval: null };
    const seeds = results.seeds.flatMap((seed, i) => {
      const [x, y] = [across.perSeed[i], up.perSeed[i]];
      return x === null || y === null ? [] : [{ ...own, ...none, seed, x, y }];
    });
    const means = { x: across.mean, y: up.mean, xInterval: across.ci95, yInterval: up.ci95 };
    return [...seeds, { ...own, ...means, seed: null }];
  });
}

function captionOf(results: Results, { x, y }: Axes): string {
  const estimates = results.systems.flatMap((system) => [x.estimate(system), y.estimate(system)]);
  const methods = estimates.flatMap((each) =>
    each === null || each.ci95 === null ? [] : each.method
  );
  return [
    results.seeds.length > 1 ? "Large: mean over seeds; small: each seed." : "One seed.",
    ...(methods.length === 0 ? [] : [`Bars: 95% interval (${[...new Set(methods)].join("; ")}).`]),
    ...(y.even === null && x.even === null
      ? []
      : ["Dashed: where neither system wins more often."]),
  ].join(" ");
}

function specification(points: readonly TradeoffPoint[], { x, y }: Axes): TopLevelSpec {
  const encoding = pointEncoding(points, { x: x.axis, y: y.axis });
  const means = points.filter(({ seed }) => seed === null);
  return {
    width: 440,
    height: 300,
    layer: [
      ...evenLayers({ x: x.even, y: y.even }, encoding),
      ...intervalLayers(means, encoding),
      {
        data: { values: points.filter(({ seed }) => seed !== null).map((point) => ({ ...point })) },
        mark: { type: "point", size: 28, strokeWidth: 1, opacity: 0.7 },
        encoding,
      },
      {
        data: { values: means.map((point) => ({ ...point })) },
        mark: { type: "point", size: 150, strokeWidth: 2.4, opacity: 1 },
        encoding,
      },
    ],
  };
}
