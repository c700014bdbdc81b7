/** A drawn figure. */
export interface Figure {
  /** Stable name: file name and anchor. */
  readonly id: string;
  readonly title: string;
  /** Sentences below the figure: what is drawn and how. */
  readonly caption: string;
  /** The figure in words, for those who do not see it; the numbers that the picture shows. */
  readonly description: string;
  /** A standalone SVG document without an XML prologue. */
  readonly svg: string;
}

/** A figure as a recipe asks for it. */
export type FigureSpec =
  /** Two log-probs along training, one panel a system. */
  | {
    readonly kind: "logps";
    readonly systems: readonly string[];
    readonly chosen: string;
    readonly rejected: string;
  }
  /** Margin and accuracy of the implicit reward along training, a panel each. */
  | {
    readonly kind: "margins";
    readonly systems: readonly string[];
    readonly margin: string;
    readonly accuracy: string;
  }
  /** One quantity along training, all systems in one panel; `stopped` marks that system's best points. */
  | {
    readonly kind: "training";
    readonly value: string;
    readonly systems: readonly string[];
    readonly stopped?: string;
  }
  /** `y` against `x` along training: each system a line through its snapshots. */
  | {
    readonly kind: "over-optimisation";
    readonly systems: readonly string[];
    readonly x: string;
    readonly y: string;
  }
  /** What part of the gradient each component of the loss has along training, one panel a system. */
  | { readonly kind: "gradient-share"; readonly systems: readonly string[] }
  /** One point a system: `y` against `x`. */
  | { readonly kind: "tradeoff"; readonly x: AxisQuantity; readonly y: AxisQuantity }
  /** How long chosen and rejected replies of audited sets are, and the replies of systems. */
  | {
    readonly kind: "lengths";
    readonly sets: readonly string[];
    readonly systems: readonly string[];
  }
  /** The categories of a benchmark as spokes, one outline a system. */
  | ({ readonly kind: "radar"; /** The value at the rim. */ readonly rim: number } & ScoreRows)
  /** One point a system: column `y` of a table of scores against column `x`. */
  | (
    & {
      readonly kind: "scatter";
      readonly x: string;
      readonly y: string;
      /** Columns with the standard errors of `x` and `y`. */
      readonly xError?: string;
      readonly yError?: string;
    }
    & ScoreRows
  )
  /** The columns of a table of scores along its rows, one line each, one panel a group of columns. */
  | { readonly kind: "along"; readonly table?: string };

/** A metric's name, or the win rate over a system on a metric (the main one unless told). */
export type AxisQuantity = string | { readonly winRateOver: string; readonly on?: string };

/** Rows of a table of scores. */
interface ScoreRows {
  /** `mt-bench/grades`, or `grades` where one benchmark alone has such; the only one that fits unless told. */
  readonly table?: string;
  /** Rows by id or label; all unless told. */
  readonly systems?: readonly string[];
}

/**
 * The style that every figure carries: inside a page or alone it follows the reader's dark mode, in
 * print it is dark on white. It swaps colours one by one because the drawing library writes them as
 * attributes.
 */
export const FIGURE_STYLE: string = (() => {
  const dark: readonly (readonly [string, string])[] = [
    ["#1b1b1b", "#ececec"],
    ["#767676", "#a3a3a3"],
    ["#e4e4e4", "#33383d"],
    ["#ffffff", "#15181b"],
    ["#009e73", "#2cc295"],
    ["#d55e00", "#ff8a3d"],
    ["#e69f00", "#f5be4b"],
    ["#0072b2", "#4ba3e3"],
    ["#56b4e9", "#9ad4f7"],
    ["#cc79a7", "#e3a3c6"],
  ];
  const rules = dark.flatMap(([light, swapped]) =>
    ["fill", "stroke"].map((property) =>
      `.ballast-figure [${property}="${light}"]{${property}:${swapped}}`
    )
  );
  return `.ballast-figure{max-width:100%;height:auto}` +
    `@media screen and (prefers-color-scheme:dark){${rules.join("")}}`;
})();
