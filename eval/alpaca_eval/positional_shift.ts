import { Random } from "../../core/random.ts";
import { percentile } from "../stats/bootstrap.ts";
import { sigmoid } from "../stats/l1_logistic.ts";
import { mean, standardDeviation } from "../stats/moments.ts";
import type { GamedRow } from "./gamed_baselines.ts";
import { type GlmWeights, predictPreferences } from "./glm_weights.ts";
import { type ControlledRow, fitLengthControl } from "./length_control.ts";

/** A model with a judgment of every instruction: what made-up judgments are drawn from. */
export interface CompleteModel {
  readonly weights: GlmWeights;
  /** Without length control, percent. */
  readonly winRate: number;
}

/** What to simulate. */
export interface ShiftRequest {
  /** At least one. */
  readonly models: readonly CompleteModel[];
  /** Of every instruction, by position. */
  readonly difficulties: Float64Array;
  /** How many instructions lack a judgment, at least 1. */
  readonly missing: number;
  /** Rows of the gamed baselines, where the fits are to rest on them. */
  readonly gamed?: readonly GamedRow[];
  readonly seed: number;
  /** Made-up models; 200 unless told. */
  readonly draws?: number;
}

/** By how much rates differ, in percent points: half of the draws lie below the median. */
export interface PositionalShift {
  readonly median: number;
  /** 95% of the draws. */
  readonly interval: readonly [number, number];
}

/**
 * Correlations of length difference and difficulty that are drawn from, evenly. It is what moves the rate,
 * and no leaderboard tells it. GPT-4 Turbo answers hard instructions at less length: for
 * the five models of AlpacaEval whose judgments the tests read, it lies between −0.24 and −0.02. There is room
 * to both sides, since lengths are not as normal as those drawn here.
 */
export const CORRELATIONS: readonly [number, number] = [-0.4, 0.1];

/** Halvings of the interval in which the mean length difference is sought. */
const HALVINGS = 30;
/** Inverse strength of a penalty that hardly counts on hundreds of rows. */
const STRENGTH = 100;

/**
 * How far alpaca_eval's length-controlled win rate, which takes an instruction's difficulty by the row's
 * position, lies above the one by instruction when rows are missing. In each draw a model judges every
 * instruction as the GLM of one of the given models has it; length differences are normal, correlated
 * with difficulty (`CORRELATIONS`), around the mean that gives that model's win rate; instructions drawn
 * at random lose their judgments; and both rates are fitted to what is left.
 *
 * @throws RangeError without a model, or when no instruction or every one is to be missing
 */
export function simulatePositionalShift(request: ShiftRequest): PositionalShift {
  const { models, difficulties, missing, gamed = [], seed, draws = 200 } = request;
  if (models.length === 0) throw new RangeError("Expected at least 1 model but found 0.");
  if (!(missing >= 1 && missing < difficulties.length)) {
    const most = difficulties.length - 1;
    throw new RangeError(`Expected from 1 to ${most} missing rows but found ${missing}.`);
  }
  const random = Random.seeded(seed, "positional shift");
  const rate = (rows: readonly ControlledRow[]) => {
    const weights = fitLengthControl({ rows, gamed, difficulties, strength: STRENGTH });
    return 100 * mean(predictPreferences(weights, difficulties));
  };
  const shifts = Float64Array.from({ length: draws }, () => {
    const world = drawJudgments(random.pick(models), difficulties, random);
    const lost = new Set(random.sample(world, missing));
    const kept = world.filter((row) => !lost.has(row));
    return rate(kept.map((row, position) => ({ ...row, index: position }))) - rate(kept);
  }).sort();
  return {
    median: percentile(shifts, 50),
    interval: [percentile(shifts, 2.5), percentile(shifts, 97.5)],
  };
}

/** A judgment of every instruction, by a judge that says yes or no with the GLM's probability. */
function drawJudgments(
  { weights: { length, difficulty, constant }, winRate }: CompleteModel,
  difficulties: Float64Array,
  random: Random,
): ControlledRow[] {
  const spread = drawSpread(difficulties, random);
  const chance = (row: number, centre: number) =>
    sigmoid(
      length * Math.tanh(centre + spread[row]) + difficulty * difficulties[row] + constant,
    );
  let [low, high] = [-4, 4];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    const reached = 100 * mean(spread.map((_, row) => chance(row, middle)));
    // Where length is below 0, outputs shorter than the baseline's (a positive difference) win less.
    if ((reached > winRate) === (length < 0)) low = middle;
    else high = middle;
  }
  const centre = (low + high) / 2;
  return Array.from(spread, (each, index) => ({
    index,
    stdDeltaLength: centre + each,
    preference: random.uniform() < chance(index, centre) ? 1 : 0,
  }));
}

/** Normal length differences around 0, of deviation 1, as correlated with difficulty as is drawn. */
function drawSpread(difficulties: Float64Array, random: Random): Float64Array {
  const [least, most] = CORRELATIONS;
  const correlation = least + (most - least) * random.uniform();
  const [centre, deviation] = [mean(difficulties), standardDeviation(difficulties)];
  return difficulties.map((each) => {
    const hard = deviation > 0 ? (each - centre) / deviation : 0;
    return correlation * hard + Math.sqrt(1 - correlation ** 2) * random.normal();
  });
}
