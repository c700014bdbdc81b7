/** Rows of a logistic regression whose labels are probabilities. */
export interface LogisticRows {
  /** One row after the other: (rows · columns). */
  readonly features: Float64Array;
  readonly columns: number;
  /** Probability of a positive, one a row. */
  readonly labels: Float64Array;
  /** Weight of each row's loss. */
  readonly weights: Float64Array;
}

/** Newton steps; a convex loss of few columns takes about ten. */
const MOST_STEPS = 100;
/** Rounds of coordinate descent within one step. */
const MOST_ROUNDS = 1000;
const TOLERANCE = 1e-12;

/**
 * Fits a logistic regression without intercept under an L1 penalty: the coefficients w that minimise
 *
 *     ‖w‖₁ + C · Σᵢ weightᵢ · (log(1 + exp(xᵢ·w)) − labelᵢ · xᵢ·w)
 *
 * which is scikit-learn's `LogisticRegression(penalty="l1", fit_intercept=False, C=…)` on every row
 * twice, once a positive with weight · label and once a negative with weight · (1 − label). Proximal
 * Newton steps (Yuan, Ho and Lin, 2012, without its shrinking), to machine precision.
 *
 * @param strength C, the inverse of the penalty's strength, greater than 0
 * @param start coefficients to begin from; zeros unless told
 *
 * @example
 * ```ts
 * import { fitL1Logistic } from "./l1_logistic.ts";
 * const rows = {
 *   features: Float64Array.of(1, 1),
 *   columns: 1,
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
  start: Float64Array = new Float64Array(rows.columns),
): Float64Array {
  let at = penalisedLoss(rows, strength, Float64Array.from(start));
  for (let step = 0; step < MOST_STEPS; step++) {
    const direction = newtonDirection(at);
    const full = at.coefficients.map((each, i) => each + direction[i]);
    const promised = absoluteSum(full) - absoluteSum(at.coefficients) +
      at.gradient.reduce((sum, each, i) => sum + each * direction[i], 0);
    // Convergence is quadratic: a step that promises this little may be taken, and is the last.
    if (promised >= -TOLERANCE * at.value) return full;
    const next = lineSearch(rows, strength, { at, direction, promised });
    if (next === null) break;
    at = next;
  }
  return at.coefficients;
}

/** Mean over rows of weight · cross-entropy of labels and predictions, in nats. */
export function meanLogLoss(rows: LogisticRows, coefficients: Float64Array): number {
  const { features, columns, labels, weights } = rows;
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    let z = 0;
    for (let i = 0; i < columns; i++) z += features[row * columns + i] * coefficients[i];
    sum += weights[row] * (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - labels[row] * z);
  }
  return sum / labels.length;
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
  /** (columns · columns), symmetric. */
  readonly hessian: Float64Array;
}

function penalisedLoss(
  { features, columns, labels, weights }: LogisticRows,
  strength: number,
  coefficients: Float64Array,
): PenalisedLoss {
  const gradient = new Float64Array(columns);
  const hessian = new Float64Array(columns * columns);
  let loss = 0;
  for (let row = 0; row < labels.length; row++) {
    const at = row * columns;
    let z = 0;
    for (let i = 0; i < columns; i++) z += features[at + i] * coefficients[i];
    const small = Math.exp(-Math.abs(z));
    const p = (z >= 0 ? 1 : small) / (1 + small);
    const weight = strength * weights[row];
    loss += weight * (Math.max(z, 0) + Math.log(1 + small) - labels[row] * z);
    const first = weight * (p - labels[row]);
    const second = weight * p * (1 - p);
    for (let i = 0; i < columns; i++) {
      const feature = features[at + i];
      gradient[i] += first * feature;
      for (let j = 0; j <= i; j++) hessian[i * columns + j] += second * feature * features[at + j];
    }
  }
  for (let i = 0; i < columns; i++) {
    for (let j = i + 1; j < columns; j++) hessian[i * columns + j] = hessian[j * columns + i];
  }
  return { coefficients, value: absoluteSum(coefficients) + loss, gradient, hessian };
}

/** Minimises gᵀd + ½dᵀHd + ‖w + d‖₁ over d, one coordinate after the other. */
function newtonDirection({ coefficients, gradient, hessian }: PenalisedLoss): Float64Array {
  const columns = coefficients.length;
  const direction = new Float64Array(columns);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let moved = 0;
    for (let i = 0; i < columns; i++) {
      // A column of zeros has no curvature; its coefficient goes to 0, as the penalty wants it.
      const curvature = Math.max(hessian[i * columns + i], 1e-12);
      let slope = gradient[i];
      for (let j = 0; j < columns; j++) slope += hessian[i * columns + j] * direction[j];
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
