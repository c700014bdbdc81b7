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
  measuredOn,
} from "./curves.ts";
import { lineLayers } from "./line_layers.ts";
import { CHOSEN, REJECTED } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";

type LogpsSpec = Extract<FigureSpec, { kind: "logps" }>;
type LogpsPoint = LinePoint & { readonly reply: "chosen" | "rejected" };

/**
 * Log-probs of the chosen and the rejected replies along training, one panel a system: the paper's
 * over-optimisation picture. Under DPO both fall; the SFT term holds the chosen one up.
 *
 * @throws InputError when the results hold no such curves
 */
export async function logpsFigure(results: Results, spec: LogpsSpec): Promise<Figure> {
  const { systems, chosen, rejected } = spec;
  checkCurves(results, { figure: "figures.logps", systems, values: [chosen, rejected] });
  const curves = curvesOf(results, systems);
  const points: LogpsPoint[] = [
    ...linePoints(curves, chosen).map((point) => ({ ...point, reply: "chosen" as const })),
    ...linePoints(curves, rejected).map((point) => ({ ...point, reply: "rejected" as const })),
  ];
  const text = {
    id: "figure-logps",
    title: "Log-probs of chosen and rejected replies along training",
    description: describe(points),
  };
  return {
    ...text,
    id: "logps",
    caption: "Summed log-prob of the chosen (solid) and the rejected (dashed) replies, " +
      `${pairsSeen(spec)}. ${linesCaption(points)} All panels share one scale.`,
    svg: await renderSvg(specification(points), text),
  };
}

/** Which pairs the log-probs are of; those of training are of whatever its batches held. */
function pairsSeen({ chosen, rejected }: LogpsSpec): string {
  const pairs = {
    validation: "mean over held-out validation pairs",
    training: "mean over the pairs of the training batches in a window of steps",
  };
  const [first, second] = [chosen, rejected].map((value) => pairs[measuredOn(value)]);
  return first === second ? first : `chosen: ${first}; rejected: ${second}`;
}

/** Position by step and log-prob, colour and dash by which reply it is. */
const encoding = {
  x: { field: "step", type: "quantitative" as const, title: "Training step" },
  y: {
    field: "value",
    type: "quantitative" as const,
    title: "Log-prob (nats)",
    scale: { zero: false, padding: 6 },
  },
  color: {
    field: "reply",
    type: "nominal" as const,
    scale: { domain: ["chosen", "rejected"], range: [CHOSEN, REJECTED] },
    legend: { orient: "top" as const, symbolType: "stroke" },
  },
  strokeDash: {
    field: "reply",
    type: "nominal" as const,
    scale: { domain: ["chosen", "rejected"], range: [[1, 0], [5, 3]] },
  },
};

function specification(points: readonly LogpsPoint[]): TopLevelSpec {
  const labels = [...new Set(points.map(({ label }) => label))];
  return {
    data: { values: points.map((point) => ({ ...point })) },
    facet: { column: { field: "label", type: "nominal", sort: labels, title: null } },
    spec: {
      width: Math.max(150, Math.floor(600 / labels.length)),
      height: 220,
      layer: lineLayers(encoding),
    },
  };
}

function describe(points: readonly LogpsPoint[]): string {
  const means = points.filter(({ seed }) => seed === null);
  return [...new Set(means.map(({ label }) => label))].map((label) => {
    const parts = (["chosen", "rejected"] as const).map((reply) => {
      const line = means.filter((point) => point.label === label && point.reply === reply);
      const [first, last] = [line[0], line[line.length - 1]];
      if (first === undefined) return `${reply}: no step that all seeds have`;
      return `${reply} from ${formatNumber(first.value, 1)} at step ${first.step} ` +
        `to ${formatNumber(last.value, 1)} at step ${last.step}`;
    });
    return `${label}: ${parts.join(", ")} (nats, ${averageOf(points, label)}).`;
  }).join(" ");
}
