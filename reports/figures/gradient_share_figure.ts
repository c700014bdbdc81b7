import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../core/results.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { formatNumber } from "../number_format.ts";
import { averageOf, checkCurves, curvesOf, type LinePoint, linePoints } from "./curves.ts";
import { PAPER, PREFERENCE, REGULARISER } from "./palette.ts";
import { renderSvg } from "./render_svg.ts";

type GradientShareSpec = Extract<FigureSpec, { kind: "gradient-share" }>;
type SharePoint = LinePoint & { readonly part: Part };

const PARTS = {
  "SFT loss": "trainRegulariserShare",
  "preference loss": "trainPreferenceShare",
} as const;
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

/**
 * What part of the gradient each component of the loss has along training, one panel a system: whether
 * the SFT term is ballast or the load. Shares are of norms, which add up to 100%.
 *
 * @throws InputError when the results hold no such curves
 */
export async function gradientShareFigure(
  results: Results,
  { systems }: GradientShareSpec,
): Promise<Figure> {
  const values = Object.values(PARTS);
  checkCurves(results, { figure: "figures.gradient-share", systems, values });
  const curves = curvesOf(results, systems);
  const points = NAMES.flatMap((part) =>
    linePoints(curves, PARTS[part]).map((point): SharePoint => ({ ...point, part }))
  );
  const text = {
    id: "figure-gradient-share",
    title: "Share of each loss component in the gradient along training",
    description: describe(points),
  };
  const seeds = new Set(points.flatMap(({ seed }) => seed === null ? [] : [seed])).size;
  return {
    ...text,
    id: "gradient-share",
    caption:
      "Norm of each component's own gradient over the sum of both norms, averaged over those " +
      "steps of a window at which it was measured. " +
      (seeds > 1 ? "Filled: mean over seeds; thin: each seed." : "One seed."),
    svg: await renderSvg(specification(points), text),
  };
}

function specification(points: readonly SharePoint[]): TopLevelSpec {
  const labels = [...new Set(points.map(({ label }) => label))];
  const x = { field: "step", type: "quantitative" as const, title: "Training step" };
  const share = { type: "quantitative" as const, title: "Share of the gradient (%)" };
  const y = { field: "value", ...share, scale: { domain: [0, 100] } };
  const sft = `datum.part === '${NAMES[0]}'`;
  return {
    data: { values: points.map((point) => ({ ...point, place: NAMES.indexOf(point.part) })) },
    facet: { column: { field: "label", type: "nominal", sort: labels, title: null } },
    spec: {
      width: Math.max(150, Math.floor(600 / labels.length)),
      height: 200,
      layer: [
        {
          transform: [{ filter: "datum.seed === null" }],
          mark: { type: "area" },
          encoding: {
            x,
            y: { ...y, stack: "zero" },
            order: { field: "place", type: "quantitative" },
            color: {
              field: "part",
              type: "nominal",
              scale: { domain: NAMES, range: [REGULARISER, PREFERENCE] },
              legend: { orient: "top", symbolType: "square" },
            },
          },
        },
        {
          transform: [{ filter: `datum.seed !== null && ${sft}` }],
          mark: { type: "line", stroke: PAPER, strokeWidth: 1, opacity: 0.9 },
          encoding: { x, y, detail: { field: "seed", type: "nominal" } },
        },
        {
          transform: [{ filter: `datum.seed === null && ${sft}` }],
          mark: { type: "line", stroke: PAPER, strokeWidth: 2, point: { fill: PAPER, size: 20 } },
          encoding: { x, y },
        },
      ],
    },
  };
}

function describe(points: readonly SharePoint[]): string {
  const means = points.filter(({ seed, part }) => seed === null && part === NAMES[0]);
  return [...new Set(means.map(({ label }) => label))].map((label) => {
    const line = means.filter((point) => point.label === label);
    const [first, last] = [line[0], line[line.length - 1]];
    return `${label}: the SFT loss has ${formatNumber(first.value, 1)}% of the gradient at step ` +
      `${first.step} and ${
        formatNumber(last.value, 1)
      }% at step ${last.step}, the preference loss ` +
      `the rest (${averageOf(points, label)}).`;
  }).join(" ");
}
