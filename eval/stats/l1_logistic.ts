/** Rows of a logistic regression of three features whose labels are probabilities. */
export interface LogisticRows {
  /** Each feature's values, one a row. */
  readonly features: readonly [Float64Array, Float64Array, Float64Array];
  /** Probability of a positive, one a row. */
  readonly labels: Float64Array;
  /** Weight of each row's loss. */
  readonly weights: Float64Array;
}

const FEATURES = 3;
/** Newton steps; a convex loss takes about ten. */
const MOST_STEPS = 100;
/** Rounds of coordinate descent within one step. */
const MOST_ROUNDS = 1000;
/** Relative change of the penalised loss below which a fit is done. */
const TOLERANCE = 1e-12;

/** How a fit goes. */
export interface FitOptions {
  /** Coefficients to begin from; zeros unless told. */
  readonly start?: Float64Array;
  /** Relative change of the penalised loss below which it is done; 1e-12 unless told. */
  readonly tolerance?: number;
}

/**
 * Fits a logistic regression of three features, without intercept, under an L1 penalty: the
 * coefficients w that minimise
 *
 *     ‖w‖₁ + C · Σᵢ weightᵢ · (log(1 + exp(xᵢ·w)) − labelᵢ · xᵢ·w)
 *
 * which is scikit-learn's `LogisticRegression(penalty="l1", fit_intercept=False, C=…)` on every row
 * twice, once a positive with weight · label and once a negative with weight · (1 − label). Proximal
 * Newton steps (Yuan, Ho and Lin, 2012, without its shrinking).
 *
 * @param strength C, the inverse of the penalty's strength, greater than 0
 *
 * @example
 * ```ts
 * import { fitL1Logistic } from "./l1_logistic.ts";
 * const none = Float64Array.of(0, 0);
 * const rows = {
 *   features: [Float64Array.of(1, 1), none, none] as const,
 *   labels: Float64Array.of(0.5, 0.9),
 *   weights: Float64Array.of(1, 1),
 * };
 * const [weight] = fitL1Logistic(rows, 1e9);
 * if (Math.abs(weight - Math.log(0.7 / 0.3)) > 1e-6) throw new Error();
 * ```
 */
export function fitL1Logistic(
  rows: LogisticRows,
  strength: number,
  { start, tolerance = TOLERANCE }: FitOptions = {},
): Float64Array {
  let at = penalisedLoss(rows, strength, start ?? new Float64Array(FEATURES));
  for (let step = 0; step < MOST_STEPS; step++) {
    const direction = newtonDirection(at);
    const full = at.coefficients.map((each, i) => each + direction[i]);
    const promised = absoluteSum(full) - absoluteSum(at.coefficients) +
      at.gradient.reduce((sum, each, i) => sum + each * direction[i], 0);
    // Convergence is quadratic: a step that promises this little may be taken, and is the last.
    if (promised >= -tolerance * at.value) return full;
    const next = lineSearch(rows, strength, { at, direction, promised });
    if (next === null) break;
    at = next;
  }
  return at.coefficients;
}

/** Mean over rows of weight · cross-entropy of labels and predictions, in nats. */
export function meanLogLoss(rows: LogisticRows, coefficients: Float64Array): number {
  return sumsAt(rows, coefficients)[0] / rows.labels.length;
}

/** 1 / (1 + exp(−z)). */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** The penalised loss at some coefficients, with the gradient and Hessian of its smooth part. */
interface PenalisedLoss {
  readonly coefficients: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  /** Row by row. */
  readonly hessian: Float64Array;
}

function penalisedLoss(
  rows: LogisticRows,
  strength: number,
  coefficients: Float64Array,
): PenalisedLoss {
  const [loss, ga, gb, gc, haa, hab, hac, hbb, hbc, hcc] = sumsAt(rows, coefficients)
    .map((sum) => strength * sum);
  return {
    coefficients,
    value: absoluteSum(coefficients) + loss,
    gradient: Float64Array.of(ga, gb, gc),
    hessian: Float64Array.of(haa, hab, hac, hab, hbb, hbc, hac, hbc, hcc),
  };
}

/**
 * The weighted loss, its gradient (3), and the upper triangle of its Hessian (6), summed over rows.
 * Nearly all of a fit's time goes by here, so features are written out, and the loop stands alone.
 */
function sumsAt(
  { features: [a, b, c], labels, weights }: LogisticRows,
  [wa, wb, wc]: Float64Array,
): Float64Array {
  const sums = new Float64Array(10);
  for (let row = 0; row < labels.length; row++) {
    const [xa, xb, xc] = [a[row], b[row], c[row]];
    const [label, weight] = [labels[row], weights[row]];
    const z = wa * xa + wb * xb + wc * xc;
    const small = Math.exp(-Math.abs(z));
    const p = (z >= 0 ? 1 : small) / (1 + small);
    const slope = weight * (p - label);
    const curvature = weight * p * (1 - p);
    sums[0] += weight * (Math.max(z, 0) + Math.log(1 + small) - label * z);
    sums[1] += slope * xa;
    sums[2] += slope * xb;
    sums[3] += slope * xc;
    sums[4] += curvature * xa * xa;
    sums[5] += curvature * xa * xb;
    sums[6] += curvature * xa * xc;
    sums[7] += curvature * xb * xb;
    sums[8] += curvature * xb * xc;
    sums[9] += curvature * xc * xc;
  }
  return sums;
}

/** Minimises gᵀd + ½dᵀHd + ‖w + d‖₁ over d, one coordinate after the other. */
function newtonDirection({ coefficients, gradient, hessian }: PenalisedLoss): Float64Array {
  const direction = new Float64Array(FEATURES);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let moved = 0;
    for (let i = 0; i < FEATURES; i++) {
      // A feature that is always 0 has no curvature; its coefficient goes to 0, as the penalty wants it.
      const curvature = Math.max(hessian[i * FEATURES + i], 1e-12);
      let slope = gradient[i];
      for (let j = 0; j < FEATURES; j++) slope += hessian[i * FEATURES + j] * direction[j];
      const from = coefficients[i] + direction[i];
      const unpenalised = from - slope / curvature;
      const to = Math.sign(unpenalised) * Math.max(0, Math.abs(unpenalised) - 1 / curvature);
      direction[i] += to - from;
      moved = Math.max(moved, Math.abs(to - from));
    }
    if (moved <= TOLERANCE) break;
  }
  return direction;
}

/** Halves the step until the loss falls as much as a convex one must (Armijo); null when none does. */
function lineSearch(
  rows: LogisticRows,
  strength: number,
  { at, direction, promised }: {
    readonly at: PenalisedLoss;
    readonly direction: Float64Array;
    /** How the loss would change to first order, the penalty taken as it is; below 0. */
    readonly promised: number;
  },
): PenalisedLoss | null {
  for (let scale = 1; scale > 1e-10; scale /= 2) {
    const next = at.coefficients.map((each, i) => each + scale * direction[i]);
    const reached = penalisedLoss(rows, strength, next);
    if (reached.value <= at.value + 0.01 * scale * promised) return reached;
  }
  return null;
}

function absoluteSum(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum;
}
