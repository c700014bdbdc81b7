import type { TopLevelSpec } from "vega-lite";
import { renderSvg } from "../../reports/figures/render_svg.ts";
import { linearCost, type ScalingPoint } from "./scaling_points.ts";

/** What is drawn. */
interface Drawing {
  readonly title: string;
  readonly points: readonly ScalingPoint[];
}

/**
 * Cost of a token as SVG: a point and its range over rounds for each system, and dashed what cost
 * linear in tokens × weights would be.
 */
export function scalingFigure(
  kind: "size" | "length",
  { title, points }: Drawing,
): Promise<string> {
  const text = { id: `scaling-${kind}`, title, description: describe(points) };
  return renderSvg(specification(kind, points), text);
}

function specification(kind: "size" | "length", points: readonly ScalingPoint[]): TopLevelSpec {
  const values = points.map((point) => ({
    system: point.system,
    x: kind === "size" ? point.x / 1e6 : point.x,
    cost: point.cost.median,
    low: point.cost.low,
    high: point.cost.high,
    linear: linearCost(points, point),
  }));
  const logarithmic = { type: "log" as const, nice: false };
  const x = {
    field: "x",
    type: "quantitative" as const,
    title: kind === "size"
      ? "Weights that a token is multiplied with (millions)"
      : "Tokens of a sequence",
    scale: { ...logarithmic, padding: 12 },
    axis: {
      values: [...new Set(values.map(({ x }) => x))],
      format: kind === "size" ? ".3~g" : "d",
    },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative" as const,
    title: "Milliseconds a token",
    scale: { ...logarithmic, padding: 12 },
  });
  const color = {
    field: "system",
    type: "nominal" as const,
    legend: { orient: "top" as const },
  };
  return {
    data: { values },
    width: 480,
    height: 300,
    layer: [
      { mark: { type: "line", strokeDash: [4, 3] }, encoding: { x, y: y("linear"), color } },
      { mark: { type: "line" }, encoding: { x, y: y("cost"), color } },
      { mark: { type: "rule" }, encoding: { x, y: y("low"), y2: { field: "high" }, color } },
      { mark: { type: "point", filled: true }, encoding: { x, y: y("cost"), color } },
    ],
  };
}

function describe(points: readonly ScalingPoint[]): string {
  return [...new Set(points.map(({ system }) => system))].map((system) => {
    const own = points.filter((point) => point.system === system);
    const costs = own.map(({ label, cost }) => `${label} ${cost.median.toFixed(3)}`);
    return `${system}, milliseconds a token: ${costs.join(", ")}.`;
  }).join(" ");
}
