import type { Figure, FigureSpec } from "../figure.ts";
import type { ReportInput } from "../report_input.ts";
import { alongFigure } from "./along_figure.ts";
import { gradientShareFigure } from "./gradient_share_figure.ts";
import { lengthsFigure } from "./lengths_figure.ts";
import { logpsFigure } from "./logps_figure.ts";
import { marginsFigure } from "./margins_figure.ts";
import { overOptimisationFigure } from "./over_optimisation_figure.ts";
import { radarFigure } from "./radar_figure.ts";
import { scatterFigure } from "./scatter_figure.ts";
import { tradeoffFigure } from "./tradeoff_figure.ts";
import { trainingFigure } from "./training_figure.ts";

/** What figures are drawn from. */
export type FigureSources = Pick<ReportInput, "results" | "scores" | "audits">;

/**
 * Draws a figure of the results, the scores or the audits as standalone SVG.
 *
 * @throws InputError when they lack what the figure asks for
 */
export function drawFigure(sources: FigureSources, spec: FigureSpec): Promise<Figure> {
  const { results, scores = [] } = sources;
  switch (spec.kind) {
    case "logps":
      return logpsFigure(results, spec);
    case "margins":
      return marginsFigure(results, spec);
    case "training":
      return trainingFigure(results, spec);
    case "over-optimisation":
      return overOptimisationFigure(results, spec);
    case "gradient-share":
      return gradientShareFigure(results, spec);
    case "tradeoff":
      return tradeoffFigure(results, spec);
    case "lengths":
      return lengthsFigure(sources, spec);
    case "radar":
      return radarFigure(scores, spec);
    case "scatter":
      return scatterFigure(scores, spec);
    case "along":
      return alongFigure(scores, spec);
  }
}
