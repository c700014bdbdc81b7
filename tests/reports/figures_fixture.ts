import type { FigureSpec } from "../../reports/figure.ts";

/** The figures of the fixture report. */
export const figuresFixture: readonly FigureSpec[] = [
  {
    kind: "logps",
    systems: ["dpo", "rpo-sum", "rpo-sequence-mean"],
    chosen: "chosenLogp",
    rejected: "rejectedLogp",
  },
  {
    kind: "training",
    value: "gold",
    systems: ["sft", "dpo", "rpo-sum", "rpo-sequence-mean"],
    stopped: "dpo",
  },
  { kind: "tradeoff", x: "kl", y: "gold" },
];
