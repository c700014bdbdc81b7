import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../core/results.ts";
import type { Figure, FigureSpec } from "../figure.ts";
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
import { FAINT } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";
import { type TrainingQuantity, trainingQuantity } from "./training_quantity.ts";

type MarginsSpec = Extract<FigureSpec, { kind: "margins" }>;

/** One of the two quantities, drawn in a panel of its own. */
interface Panel {
  readonly quantity: TrainingQuantity;
  readonly points: readonly LinePoint[];
  /** What a model that prefers neither reply has. */
  readonly even: number;
}

/**
 * How far, and how often, the implicit reward of the chosen reply is above that of the rejected one along
 * training: margin and accuracy side by side, every system in both.
 *
 * @throws InputError when the results hold no such curves
 */
export async function marginsFigure(results: Results, spec: MarginsSpec): Promise<Figure> {
  const { systems, margin, accuracy } = spec;
  checkCurves(results, { figure: "figures.margins", systems, values: [margin, accuracy] });
  const curves = curvesOf(results, systems);
  const panels = ([[margin, 0], [accuracy, 50]] as const).map(([name, even]): Panel => ({
    quantity: trainingQuantity(results, name),
    points: linePoints(curves, name),
    even,
  }));
  const [{ label }, { label: other }] = panels.map(({ quantity }) => quantity);
  const text = {
    id: `figure-${margin}-${accuracy}`.replace(/[^A-Za-z0-9]+/g, "-"),
    title: `${label} and ${other.toLowerCase()} along training`,
    description: panels.map(({ quantity: { label, digits }, points }) =>
      `${label}. ${describeLines(points, digits).join(" ")}`
    ).join(" "),
  };
  return {
    ...text,
    id: text.id.slice("figure-".length),
    caption: `${label} ${PAIRS[measuredOn(margin)]}; ${other.toLowerCase()} ` +
      `${PAIRS[measuredOn(accuracy)]}. ${linesCaption(panels[0].points)} ` +
      "Dashed: where neither reply is preferred.",
    svg: await renderSvg(specification(results, panels), text),
  };
}

const PAIRS = {
  validation: "on held-out validation pairs",
  training: "on the pairs of the training batches, averaged over a window of steps",
} as const;

function specification(results: Results, panels: readonly Panel[]): TopLevelSpec {
  const all = panels.flatMap(({ points }) => points);
  return {
    hconcat: panels.map(({ quantity, points, even }) => {
      const encoding = systemEncoding(results, all, quantity.axis);
      return {
        data: { values: points.map((point) => ({ ...point })) },
        width: 270,
        height: 240,
        layer: [
          {
            data: { values: [{ value: even }] },
            mark: { type: "rule" as const, stroke: FAINT, strokeDash: [3, 3] },
            encoding: { y: encoding.y },
          },
          ...lineLayers(encoding),
        ],
      };
    }),
    spacing: 28,
    resolve: { scale: { color: "shared", strokeDash: "shared" } },
  };
}
