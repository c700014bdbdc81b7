import type { Results } from "../../core/results.ts";
import type { Figure, FigureSpec } from "../figure.ts";
import { logpsFigure } from "./logps_figure.ts";
import { tradeoffFigure } from "./tradeoff_figure.ts";
import { trainingFigure } from "./training_figure.ts";

/**
 * Draws a figure of the results as standalone SVG.
 *
 * @throws InputError when the results lack what the figure asks for
 */
export function drawFigure(results: Results, spec: FigureSpec): Promise<Figure> {
  switch (spec.kind) {
    case "logps":
      return logpsFigure(results, spec);
    case "training":
      return trainingFigure(results, spec);
    case "tradeoff":
      return tradeoffFigure(results, spec);
  }
}
