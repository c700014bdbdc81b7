import { csvFormatRows } from "d3-dsv";
import { checkRows, type RowFields } from "../../data/sources/row_fields.ts";
import { readCsv } from "../../data/sources/row_files.ts";
import { mean } from "../stats/moments.ts";
import { type Difficulties, requirePositions } from "./difficulty.ts";
import { type GlmWeights, predictPreferences } from "./glm_weights.ts";
import type { AlpacaEvalScore } from "./score.ts";

/** Columns of numbers in alpaca_eval's `leaderboard.csv`, in the order in which they are written. */
const NUMBERS = [
  "win_rate",
  "standard_error",
  "n_wins",
  "n_wins_base",
  "n_draws",
  "n_total",
  "discrete_win_rate",
  "avg_length",
  "length_controlled_winrate",
  "lc_standard_error",
] as const;

/** A model's row of `leaderboard.csv`; rates are percent, null is an empty field. */
export interface LeaderboardRow extends Readonly<Record<typeof NUMBERS[number], number | null>> {
  readonly model: string;
  /** `minimal`, `verified` or `community`. */
  readonly mode: string | null;
}

/**
 * Reads a `leaderboard.csv`, plain or gzipped; columns that alpaca_eval does not write are dropped.
 *
 * @throws InputError with every bad field, or that the file cannot be read
 */
export async function readLeaderboard(path: string): Promise<LeaderboardRow[]> {
  return checkRows(await readCsv(path, "leaderboard rows"), (fields) => ({
    model: fields.text(""),
    ...Object.fromEntries(NUMBERS.map((name) => [name, numberOrEmpty(fields, name)])) as Record<
      typeof NUMBERS[number],
      number | null
    >,
    mode: fields.row.mode === undefined || fields.row.mode === "" ? null : fields.text("mode"),
  }));
}

/** A `leaderboard.csv` as text, the highest length-controlled win rate first, as alpaca_eval has it. */
export function leaderboardCsv(rows: readonly LeaderboardRow[]): string {
  const rank = ({ length_controlled_winrate: rate }: LeaderboardRow) => rate ?? -Infinity;
  const columns = [...NUMBERS.slice(0, 7), "mode", ...NUMBERS.slice(7)] as const;
  const records = [
    ["", ...columns],
    ...rows.toSorted((a, b) => rank(b) - rank(a)).map((row) => [
      row.model,
      ...columns.map((name) => row[name as keyof LeaderboardRow]),
    ]),
  ];
  return `${csvFormatRows(records.map((record) => record.map((field) => String(field ?? ""))))}\n`;
}

/** A score as alpaca_eval would put it into its leaderboard, with its own length-controlled rate. */
export function leaderboardRow(score: AlpacaEvalScore): LeaderboardRow {
  return {
    model: score.model,
    win_rate: score.winRate,
    standard_error: score.standardError,
    n_wins: score.wins,
    n_wins_base: score.losses,
    n_draws: score.draws,
    n_total: score.n,
    discrete_win_rate: score.discreteWinRate,
    mode: "community",
    avg_length: score.avgLength,
    length_controlled_winrate: score.harnessLengthControlled?.rate ?? null,
    lc_standard_error: score.harnessLengthControlled?.standardError ?? null,
  };
}

/** A published length-controlled win rate and what published weights give for it. */
export interface RecomputedRow {
  readonly model: string;
  readonly n: number;
  readonly published: number;
  /** At the first n difficulties by position. */
  readonly predicted: number;
  /** Why the two differ by more than the tolerance; null where they do not. */
  readonly cause: string | null;
}

/**
 * Predicts, for every model of a leaderboard that has both, the length-controlled win rate from its
 * published weights.
 *
 * @param tolerance percent points within which two rates are equal
 */
export function recomputeLeaderboard(
  rows: readonly LeaderboardRow[],
  weights: ReadonlyMap<string, GlmWeights>,
  { difficulties, tolerance }: { readonly difficulties: Difficulties; readonly tolerance: number },
): RecomputedRow[] {
  return rows.flatMap(({ model, n_total, length_controlled_winrate: published }) => {
    const own = weights.get(model);
    if (own === undefined || published === null || n_total === null) return [];
    requirePositions(n_total, difficulties, `leaderboard: ${model}`);
    const over = (n: number) =>
      100 * mean(predictPreferences(own, difficulties.values.subarray(0, n)));
    const equal = (n: number) => Math.abs(over(n) - published) <= tolerance;
    const cause = equal(n_total)
      ? null
      : equal(difficulties.values.length)
      ? `The published rate is the mean over all ${difficulties.values.length} rows: those ` +
        `without a judgment stayed in the file.`
      : "The published weights give it neither over the judged rows nor over all: it comes from " +
        "another fit.";
    return [{ model, n: n_total, published, predicted: over(n_total), cause }];
  });
}

function numberOrEmpty(fields: RowFields, name: string): number | null {
  const value = fields.row[name];
  return value === undefined || value === "" ? null : fields.number(name);
}
