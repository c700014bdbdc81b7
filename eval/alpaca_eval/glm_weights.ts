import { InputError, nearest } from "../../core/problem.ts";
import { checkRows } from "../../data/sources/row_fields.ts";
import { readCsv } from "../../data/sources/row_files.ts";
import { sigmoid } from "../stats/l1_logistic.ts";

/** Coefficients of the length-controlled GLM of one model, against one baseline. */
export interface GlmWeights {
  /** Of tanh(length difference / its standard deviation). */
  readonly length: number;
  /** Of the instruction's difficulty. */
  readonly difficulty: number;
  /** Of the constant that only the model's own rows have. */
  readonly constant: number;
}

/** Names of the columns in alpaca_eval's files: the terms of its formula. */
const COLUMNS = {
  length: "np.tanh(std_delta_len)",
  difficulty: "instruction_difficulty",
  constant: "not_gamed_baseline.astype(float)",
} as const;

/**
 * Reads a file of published weights, `baseline_….csv`; of a model that stands twice, the last row
 * counts, as alpaca_eval has it.
 *
 * @throws InputError with every row that holds no weights, or that the file cannot be read
 */
export async function readGlmWeights(path: string): Promise<Map<string, GlmWeights>> {
  return new Map(checkRows(await readCsv(path, "GLM weights"), (fields) => [
    fields.text(""),
    {
      length: fields.number(COLUMNS.length),
      difficulty: fields.number(COLUMNS.difficulty),
      constant: fields.number(COLUMNS.constant),
    },
  ]));
}

/**
 * The weights of a model against a baseline, from a file of weights against a third model.
 * A baseline that the file lacks is the one that it was fitted against: its weights are 0.
 *
 * @param path of the file, for messages
 * @throws InputError when the model is not in the file
 */
export function weightsAgainst(
  { model, baseline }: { readonly model: string; readonly baseline: string },
  weights: ReadonlyMap<string, GlmWeights>,
  path: string,
): GlmWeights {
  const own = weights.get(model);
  if (own === undefined) {
    const message = `Expected weights of "${model}" but found none.`;
    throw new InputError([{ path, message, nearest: nearest(model, weights.keys()) }]);
  }
  const theirs = weights.get(baseline);
  if (theirs === undefined) return own;
  return {
    length: own.length - theirs.length,
    difficulty: own.difficulty - theirs.difficulty,
    constant: own.constant - theirs.constant,
  };
}

/** The preferences, 0 to 1, that the GLM predicts at no length difference, one a difficulty. */
export function predictPreferences(
  { difficulty, constant }: GlmWeights,
  difficulties: Float64Array,
): Float64Array {
  return difficulties.map((each) => sigmoid(constant + difficulty * each));
}

/**
 * The model that a file of weights is against, which its name says: `baseline_gpt4_1106_preview.csv`.
 *
 * @throws InputError for another name
 */
export function baselineOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const baseline = /^baseline_(.+?)\.csv(?:\.gz)?$/.exec(name)?.[1];
  if (baseline !== undefined) return baseline;
  const message = `Expected a name such as baseline_MODEL.csv but found ${name}.`;
  throw new InputError([{ path, message }]);
}
