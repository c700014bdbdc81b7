import { fitL1Logistic, type LogisticRows, meanLogLoss } from "../stats/l1_logistic.ts";
import type { GamedRow } from "./gamed_baselines.ts";
import type { GlmWeights } from "./glm_weights.ts";

/** What the length-controlled GLM sees of a judged row. */
export interface ControlledRow {
  /** Position of the instruction whose difficulty it is given. */
  readonly index: number;
  /** Length of the baseline's output minus the model's, divided by the differences' deviation. */
  readonly stdDeltaLength: number;
  /** From 0 (the baseline) to 1 (the model). */
  readonly preference: number;
}

/** What is fitted on. */
export interface LengthControl {
  readonly rows: readonly ControlledRow[];
  /** Rows of the gamed baselines, which hold the length's coefficient near theirs; may be none. */
  readonly gamed: readonly GamedRow[];
  /** Difficulty of each instruction, by position. */
  readonly difficulties: Float64Array;
  /** Inverse strength of the penalty; the one with the least held-out loss unless told. */
  readonly strength?: number;
}

/** Weight of a row of each of the two gamed baselines. */
const GAMED_WEIGHT = 0.1;
/** Held-out losses are compared, so fits need not be exact until the penalty is chosen. */
const CHOICE_TOLERANCE = 1e-7;
const FOLDS = 5;
/** Inverse strengths of the penalty to choose from: ten from 1e-4 to 1e4, evenly in the logarithm. */
const STRENGTHS = Array.from({ length: 10 }, (_, i) => 10 ** (-4 + 8 * i / 9));

/**
 * Fits AlpacaEval 2.0's length-controlled GLM (Dubois et al., 2024, arXiv 2404.04475, section 3): an
 * L1-regularised logistic regression of the preference on tanh(length difference), the instruction's
 * difficulty and a constant, on the model's rows (weight 1) and those of the gamed baselines (weight
 * 0.1, constant 0). The penalty is the one of ten with the least held-out loss in five folds, the rows
 * of an instruction being in one fold.
 *
 * Unlike liblinear in alpaca_eval, which stops early, the fit is exact.
 *
 * @throws RangeError when there is no row
 */
export function fitLengthControl(control: LengthControl): GlmWeights {
  if (control.rows.length === 0) throw new RangeError("Expected at least 1 row but found 0.");
  const all = logisticRows(control);
  const [length, difficulty, constant] = fitL1Logistic(
    all,
    control.strength ?? chosenStrength(control, all),
  );
  return { length, difficulty, constant };
}

/** The strength with the least mean held-out loss in five folds, which keep rows of an instruction together. */
function chosenStrength(control: LengthControl, all: LogisticRows): number {
  const foldOf = [...control.gamed, ...control.rows].map(({ index }) => index % FOLDS);
  const folds = Array.from({ length: FOLDS }, (_, fold) => ({
    train: pickRows(all, foldOf, (each) => each !== fold),
    held: pickRows(all, foldOf, (each) => each === fold),
  })).filter(({ train, held }) => train.labels.length > 0 && held.labels.length > 0);
  return leastLoss(folds);
}

/** The strength with the least mean held-out loss; the smallest such. */
function leastLoss(folds: readonly { train: LogisticRows; held: LogisticRows }[]): number {
  const starts: Float64Array[] = folds.map(() => new Float64Array(3));
  let best = { strength: STRENGTHS[0], loss: Infinity };
  for (const strength of STRENGTHS) {
    let loss = 0;
    for (const [i, { train, held }] of folds.entries()) {
      starts[i] = fitL1Logistic(train, strength, {
        start: starts[i],
        tolerance: CHOICE_TOLERANCE,
      });
      loss += meanLogLoss(held, starts[i]);
    }
    if (loss < best.loss) best = { strength, loss };
  }
  return best.strength;
}

/** The gamed baselines' rows, then the model's. */
function logisticRows({ rows, gamed, difficulties }: LengthControl): LogisticRows {
  const size = gamed.length + rows.length;
  const empty = () => new Float64Array(size);
  const [length, difficulty, constant, labels] = [empty(), empty(), empty(), empty()];
  for (const [i, row] of [...gamed, ...rows].entries()) {
    length[i] = Math.tanh(row.stdDeltaLength);
    difficulty[i] = difficulties[row.index];
    labels[i] = row.preference;
  }
  constant.fill(1, gamed.length);
  const weights = empty().fill(GAMED_WEIGHT).fill(1, gamed.length);
  return { features: [length, difficulty, constant], labels, weights };
}

function pickRows(
  { features: [a, b, c], labels, weights }: LogisticRows,
  foldOf: readonly number[],
  holds: (fold: number) => boolean,
): LogisticRows {
  const kept = foldOf.flatMap((fold, row) => holds(fold) ? [row] : []);
  const pick = (values: Float64Array) => {
    const picked = new Float64Array(kept.length);
    for (let i = 0; i < kept.length; i++) picked[i] = values[kept[i]];
    return picked;
  };
  return { features: [pick(a), pick(b), pick(c)], labels: pick(labels), weights: pick(weights) };
}
