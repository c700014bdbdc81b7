import type { FigureSpec } from "../../reports/figure.ts";
import type { FigureSources } from "../../reports/figures/draw_figure.ts";
import { reportFixture } from "./report_fixture.ts";
import { scoresFixture, sweepFixture } from "./scores_fixture.ts";

const systems = ["dpo", "rpo-sum", "rpo-sequence-mean"];

/** A figure of each kind that is drawn from results. */
export const figuresFixture: readonly FigureSpec[] = [
  { kind: "logps", systems, chosen: "chosenLogp", rejected: "rejectedLogp" },
  { kind: "training", value: "gold", systems: ["sft", ...systems], stopped: "dpo" },
  { kind: "tradeoff", x: "kl", y: "gold" },
  { kind: "tradeoff", x: "kl", y: { winRateOver: "ref" } },
  { kind: "margins", systems: ["sft", ...systems], margin: "margin", accuracy: "accuracy" },
  { kind: "over-optimisation", systems, x: "kl", y: "winRate" },
  { kind: "gradient-share", systems: ["rpo-sum", "rpo-sequence-mean"] },
];

/** Figures of lengths, and a figure of each kind that is drawn from scores. */
export const otherFiguresFixture: readonly FigureSpec[] = [
  { kind: "lengths", sets: ["tokenize/train@seed=0"], systems: ["ref", "dpo", "rpo-sum"] },
  { kind: "radar", rim: 10 },
  { kind: "scatter", x: "winRate", y: "lengthControlled", yError: "standardError" },
  { kind: "along", table: "sweep-gold" },
  { kind: "along", table: "sweep-kl" },
];

/** All that the figures above are drawn from. */
export function figureSourcesFixture(): FigureSources {
  const { results, audits } = reportFixture();
  return { results, audits, scores: [...scoresFixture(), sweepFixture()] };
}
