import type { Arithmetic } from "./arithmetic.ts";
import { alignColumns } from "../../core/align_columns.ts";
import { showSpread, type Spread } from "./table.ts";

/** What one system took for a token of one workload. */
export interface ScalingPoint {
  readonly system: string;
  readonly label: string;
  /** What is varied: weights that a token is multiplied with, or tokens of a sequence. */
  readonly x: number;
  /** Median, least and most over rounds, in milliseconds. */
  readonly cost: Spread;
  readonly arithmetic: Arithmetic;
  /** Whether products with weights decide what a token costs; see `productsDominate`. */
  readonly dominated: boolean;
}

/**
 * Whether products with weights decide a token's cost: attention adds little to them, and the model
 * is wide enough for them to outweigh what grows with the width alone (norms, gates, rotation).
 *
 * @param width features of the residual stream
 */
export function productsDominate({ products, attention }: Arithmetic, width: number): boolean {
  return attention <= 0.15 * products && width >= 512;
}

/**
 * What a point would cost if its system paid for each weight what it pays at the point with the most
 * weights a token, of equal ones the one with the least attention.
 */
export function linearCost(
  points: readonly ScalingPoint[],
  { system, arithmetic }: ScalingPoint,
): number {
  const base = points.filter((point) => point.system === system)
    .toSorted(({ arithmetic: a }, { arithmetic: b }) =>
      b.weights - a.weights || a.attention - b.attention
    )[0];
  return base.cost.median / base.arithmetic.weights * arithmetic.weights;
}

/** A row a point: arithmetic, cost, and cost against what is linear in tokens × weights. */
export function scalingTable(points: readonly ScalingPoint[]): string {
  const head = ["system", "", "weights/token", "ms/token", "GFLOP/s", "attention", "÷ linear"];
  const rows = points.map((point) => {
    const { system, label, arithmetic, cost } = point;
    const { weights, products, attention } = arithmetic;
    return [
      system,
      label,
      `${(weights / 1e6).toFixed(2)}M`,
      showSpread(cost, 3),
      ((products + attention) / cost.median / 1e6).toFixed(1),
      `${(100 * attention / (products + attention)).toFixed(1)}%`,
      (cost.median / linearCost(points, point)).toFixed(2),
    ];
  });
  return alignColumns([head, ...rows]);
}

/** One sentence: the fitted exponent, and how far from linear it is where products dominate. */
export function scalingSummary(
  kind: "size" | "length",
  points: readonly ScalingPoint[],
): string {
  const dominated = points.filter((point) => point.dominated);
  const what = kind === "size" ? "weights a token is multiplied with" : "sequence length";
  const fitted = `${points[0].system}: cost ∝ ${what} ^ ${exponent(points).toFixed(2)}`;
  if (dominated.length === 0) return `${fitted}; products with weights dominate at no point.`;
  const deviations = dominated.map((point) => point.cost.median / linearCost(points, point) - 1);
  const worst = deviations.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a);
  return `${fitted}; at ${dominated.map(({ label }) => label).join(", ")}, where products with ` +
    `weights dominate, it is within ${(100 * Math.abs(worst)).toFixed(0)}% of linear in tokens × ` +
    "weights.";
}

/** Least-squares slope of log cost on log x. */
function exponent(points: readonly ScalingPoint[]): number {
  const xs = points.map(({ x }) => Math.log(x));
  const ys = points.map(({ cost }) => Math.log(cost.median));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const above = xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i] - my), 0);
  return above / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
}
