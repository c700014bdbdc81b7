import { InputError } from "../../core/problem.ts";
import { mean, standardDeviation, standardError } from "../stats/moments.ts";
import { type Annotation, credit } from "./annotations.ts";
import { type Difficulties, positionsOf, requirePositions } from "./difficulty.ts";
import type { GamedRow } from "./gamed_baselines.ts";
import { type GlmWeights, predictPreferences, weightsAgainst } from "./glm_weights.ts";
import { fitLengthControl } from "./length_control.ts";
import { type RawWinRate, rawWinRate } from "./raw_win_rate.ts";
import { textLength } from "./text_length.ts";

/** A length-controlled win rate and its standard error, percent. */
export interface ControlledWinRate {
  readonly rate: number;
  /** Of the mean predicted preference over the instructions; null for a single one. */
  readonly standardError: number | null;
}

/** What a file of annotations says of a model. */
export interface AlpacaEvalScore extends RawWinRate {
  readonly model: string;
  readonly baseline: string;
  /** Mean length of the model's outputs in characters, cut to an integer as alpaca_eval does. */
  readonly avgLength: number;
  /** Difficulty taken by instruction; null where no fit is possible (see `notes`). */
  readonly lengthControlled: ControlledWinRate | null;
  /** Difficulty taken by the row's position, as alpaca_eval does. */
  readonly harnessLengthControlled: ControlledWinRate | null;
  /** What a reader of the figures must know. */
  readonly notes: readonly string[];
}

/** What to score, and what the length control rests on. */
export interface ScoreRequest {
  readonly annotations: readonly Annotation[];
  /** The file, for messages. */
  readonly path: string;
  readonly difficulties: Difficulties;
  /** Rows of the gamed baselines; without them the GLM is fitted on the model's rows alone. */
  readonly gamed?: readonly GamedRow[];
  /** Published weights to predict from, instead of a fit. */
  readonly weights?: { readonly path: string; readonly models: ReadonlyMap<string, GlmWeights> };
}

/**
 * Scores one model's AlpacaEval annotations.
 *
 * @throws InputError when rows are of more than one model, none has a preference, an instruction has no
 *   known difficulty, or the published weights lack the model
 */
export function scoreAlpacaEval(request: ScoreRequest): AlpacaEvalScore {
  const { annotations, path } = request;
  const model = onlyName("generator_2", request);
  const baseline = onlyName("generator_1", request);
  if (annotations.every(({ preference }) => preference === null)) {
    throw new InputError([{ path, message: "Expected preferences but every row has none." }]);
  }
  const figures = {
    model,
    baseline,
    ...rawWinRate(annotations),
    avgLength: Math.trunc(mean(annotations.map(({ output_2 }) => textLength(output_2)))),
  };
  const twice = repeated(annotations.map(({ instruction }) => instruction));
  const judged = figures.n === annotations.length ? [] : [
    `${figures.n} of ${annotations.length} annotations hold a preference; the others are left out of ` +
    "every rate but for their instructions, which the length-controlled one is predicted for.",
  ];
  const repeats = twice === 0 ? [] : [`${twice} rows repeat the instruction of another row.`];
  const controlled = model === baseline
    ? { byInstruction: EVEN, byPosition: EVEN, notes: [] }
    : request.weights !== undefined
    ? predicted(figures, request)
    : fitted(request);
  return {
    ...figures,
    lengthControlled: controlled.byInstruction,
    harnessLengthControlled: controlled.byPosition,
    notes: [...judged, ...repeats, ...controlled.notes],
  };
}

interface Controlled {
  readonly byInstruction: ControlledWinRate | null;
  readonly byPosition: ControlledWinRate | null;
  readonly notes: readonly string[];
}

/** A model against itself, by definition. */
const EVEN: ControlledWinRate = { rate: 50, standardError: 0 };

/** From published weights: at the difficulties of the instructions, and at the first n, as alpaca_eval has it. */
function predicted(
  { model, baseline, n }: { model: string; baseline: string; n: number },
  request: ScoreRequest,
): Controlled {
  const { annotations, weights, difficulties, path } = request;
  requirePositions(n, difficulties, path);
  const own = weightsAgainst({ model, baseline }, weights!.models, weights!.path);
  const positional = controlledRate(own, difficulties.values.subarray(0, n));
  const instructions = annotations.map(({ instruction }) => instruction);
  const positions = positionsOf(instructions, difficulties, (row) => `${path}: row ${row + 1}`);
  const at = Float64Array.from(positions, (position) => difficulties.values[position]);
  const aligned = controlledRate(own, at);
  const moved = positions.findIndex((position, row) => position !== row);
  const rates = { request, aligned, positional };
  if (moved >= 0) {
    const notes = [describeShift({ moved, ...rates })];
    return { byInstruction: aligned, byPosition: positional, notes };
  }
  const size = difficulties.values.length;
  const notes = n === size ? [] : [
    `Predicted for ${annotations.length} of ${size} instructions (by position, alpaca_eval's: for ` +
    `the first ${n}): ${aligned.rate.toFixed(2)} (${
      positional.rate.toFixed(2)
    }). For all ${size} ` +
    `these weights give ${controlledRate(own, difficulties.values).rate.toFixed(2)}.`,
  ];
  return { byInstruction: aligned, byPosition: positional, notes };
}

function fitted(request: ScoreRequest): Controlled {
  const { annotations, path, difficulties, gamed = [] } = request;
  requirePositions(annotations.length, difficulties, path);
  const instructions = annotations.map(({ instruction }) => instruction);
  const where = (row: number) => `${path}: row ${row + 1}`;
  const byInstruction = positionsOf(instructions, difficulties, where);
  const byPosition = annotations.map((_, row) => row);
  const stdDeltaLengths = standardisedLengths(annotations);
  if (stdDeltaLengths === null) {
    const note = "No length-controlled win rate: outputs of both models differ in length by the " +
      "same number of characters in every row.";
    return { byInstruction: null, byPosition: null, notes: [note] };
  }
  const fitAt = (positions: readonly number[]) => {
    const rows = annotations.flatMap((annotation, row) => {
      const preference = credit(annotation);
      const stdDeltaLength = stdDeltaLengths[row];
      return preference === null ? [] : [{ index: positions[row], stdDeltaLength, preference }];
    });
    const weights = fitLengthControl({ rows, gamed, difficulties: difficulties.values });
    const at = Float64Array.from(positions, (position) => difficulties.values[position]);
    return controlledRate(weights, at);
  };
  const aligned = fitAt(byInstruction);
  const moved = byPosition.find((position) => position !== byInstruction[position]);
  if (moved === undefined) return { byInstruction: aligned, byPosition: aligned, notes: [] };
  const positional = fitAt(byPosition);
  return {
    byInstruction: aligned,
    byPosition: positional,
    notes: [describeShift({ moved, request, aligned, positional })],
  };
}

function describeShift(
  { moved, request: { annotations, difficulties }, aligned, positional }: {
    readonly moved: number;
    readonly request: ScoreRequest;
    readonly aligned: ControlledWinRate;
    readonly positional: ControlledWinRate;
  },
): string {
  return `The file has ${annotations.length} of ${difficulties.values.length} instructions, or ` +
    `another order: from row ${moved + 1} on, alpaca_eval takes the difficulty of another ` +
    `instruction. Length-controlled win rate by instruction ${aligned.rate.toFixed(2)}, by ` +
    `position (alpaca_eval's) ${positional.rate.toFixed(2)}.`;
}

/** The mean preference that a GLM predicts at no length difference, with its standard error; percent. */
export function controlledRate(weights: GlmWeights, difficulties: Float64Array): ControlledWinRate {
  const preferences = predictPreferences(weights, difficulties);
  return {
    rate: 100 * mean(preferences),
    standardError: preferences.length < 2 ? null : 100 * standardError(preferences),
  };
}

/** Length differences of all rows, judged or not, over their deviation; null where that is 0. */
function standardisedLengths(annotations: readonly Annotation[]): number[] | null {
  const differences = annotations.map(({ output_1, output_2 }) =>
    textLength(output_1) - textLength(output_2)
  );
  const deviation = differences.length < 2 ? 0 : standardDeviation(differences);
  return deviation > 0 ? differences.map((difference) => difference / deviation) : null;
}

function onlyName(
  key: "generator_1" | "generator_2",
  { annotations, path }: ScoreRequest,
): string {
  const names = [...new Set(annotations.map((row) => row[key]))];
  if (names.length === 1) return names[0];
  const row = annotations.findIndex((each) => each[key] !== names[0]) + 1;
  const message = `Expected one model in every row, "${names[0]}", but found "${names[1]}".`;
  throw new InputError([{ path: `${path}: row ${row}: ${key}`, message }]);
}

function repeated(texts: readonly string[]): number {
  return texts.length - new Set(texts).size;
}
