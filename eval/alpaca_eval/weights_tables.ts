import {
  plainScore,
  type Score,
  type ScoreColumn,
  type ScoreRow,
  type ScoreTable,
} from "../../core/score_table.ts";
import type { ModelNames } from "../named_models.ts";
import type { Difficulties } from "./difficulty.ts";
import type { GamedRow } from "./gamed_baselines.ts";
import type { GlmWeights } from "./glm_weights.ts";
import { type LeaderboardRow, recomputeLeaderboard } from "./leaderboard.ts";
import { rateByInstruction } from "./rate_by_instruction.ts";
import { controlledRate } from "./score.ts";

/** What both tables need. */
interface WeightsContext {
  readonly difficulties: Difficulties;
  readonly names: ModelNames;
}

const rate = { unit: "%", better: null, digits: 2 } as const;

/** Percent points within which a rate from weights is the published one. */
const TOLERANCE = 1e-3;

/** What is not known where judgments are missing. */
const SHIFTED =
  "Not every instruction has a judgment, and these files do not say which lack one. " +
  "alpaca_eval takes the difficulty by the row's position: where rows are missing from its file, " +
  "those after them have another instruction's, in the fit too. Weights alone cannot give the rate " +
  "by instruction.";

const SIMULATED =
  " By instruction, simulated: what the published rate would be with each difficulty at its own " +
  "instruction; 95% of the draws, in which models of the leaderboard that lack no judgment lose as " +
  "many at random.";

/**
 * A leaderboard with its length-controlled win rates predicted anew from weights. Models that were named
 * and have weights alone are in it as well.
 *
 * @returns null for neither rows nor named models with weights
 */
export function leaderboardTable(
  rows: readonly LeaderboardRow[],
  weights: ReadonlyMap<string, GlmWeights>,
  { baseline, named, difficulties, names, gamed, seed }: WeightsContext & {
    readonly baseline: string;
    readonly named: readonly string[];
    readonly gamed?: readonly GamedRow[];
    /** Seed of the simulation. */
    readonly seed: number;
  },
): { table: ScoreTable; warnings: string[] } | null {
  const byModel = new Map(rows.map((row) => [row.model, row]));
  const shown = names.inOrder([...byModel.keys(), ...named.filter((name) => weights.has(name))])
    .filter((name) => name !== baseline);
  if (shown.length === 0) return null;
  const recomputed = recomputeLeaderboard(rows, weights, { difficulties, tolerance: TOLERANCE });
  const causes = new Map(recomputed.map(({ model, cause }) => [model, cause]));
  const size = difficulties.values.length;
  const shifted = rows.filter(({ model, n_total }) =>
    weights.has(model) && n_total !== null && n_total < size
  );
  const isShifted = new Set(shifted.map(({ model }) => model));
  const byInstruction = new Map(
    shifted.filter(({ model }) => named.includes(model)).map((row) => [
      row.model,
      rateByInstruction(row, rows, { weights, difficulties, gamed, seed }),
    ]),
  );
  const simulated = [...byInstruction.values()].some((score) => score !== null);
  const table: ScoreTable = {
    id: "leaderboard",
    title: `AlpacaEval 2.0: win rate over ${names.labelOf(baseline)}, from published weights`,
    heading: "Model",
    caption: "LC from weights: the mean preference that the published GLM predicts at no length " +
      "difference, over the first n difficulties by position, as alpaca_eval has it where the file " +
      "has n rows, and over all, as it has it where rows without a judgment stayed; the standard " +
      "error is that of the predictions. Beside it what was published: the judgments are not in " +
      "these files. Discrete: from the published counts. n counts judged instructions." +
      (simulated ? SIMULATED : ""),
    columns: leaderboardColumns(size, simulated),
    rows: shown.map((model): ScoreRow => {
      const notes = [
        ...(isShifted.has(model) ? [SHIFTED] : []),
        ...[causes.get(model) ?? []].flat(),
      ];
      return {
        id: model,
        label: names.labelOf(model),
        values: {
          ...rowValues(byModel.get(model), weights.get(model), difficulties),
          byInstruction: byInstruction.get(model) ?? null,
        },
        note: notes.length === 0 ? null : notes.join(" "),
      };
    }),
  };
  return { table, warnings: describeShifted(shifted, { difficulties, names }) };
}

function leaderboardColumns(size: number, simulated: boolean): ScoreColumn[] {
  const group = "Published";
  return [
    { id: "lengthControlled", label: "LC from weights", ...rate, better: "higher" },
    { id: "lcStandardError", label: "Standard error", ...rate },
    { id: "overAll", label: `LC over all ${size}`, ...rate },
    ...(simulated ? [{ id: "byInstruction", label: "By instruction, simulated", ...rate }] : []),
    { id: "discreteWinRate", label: "Discrete", ...rate },
    { id: "publishedLc", label: "LC win rate", group, ...rate },
    { id: "publishedWinRate", label: "Win rate", group, ...rate },
    { id: "publishedError", label: "Its error", group, ...rate },
    { id: "publishedLength", label: "Length", group, unit: "characters", better: null, digits: 0 },
  ];
}

function rowValues(
  row: LeaderboardRow | undefined,
  weights: GlmWeights | undefined,
  { values }: Difficulties,
): ScoreRow["values"] {
  const predicted = weights === undefined ? null : predict(weights, values, row?.n_total);
  const { n_wins: wins, n_draws: draws, n_total: n } = row ?? {};
  const counted = typeof wins === "number" && typeof draws === "number" && typeof n === "number" &&
    n > 0;
  return {
    lengthControlled: predicted?.rate ?? null,
    lcStandardError: predicted?.error ?? null,
    overAll: weights === undefined ? null : predict(weights, values).rate,
    discreteWinRate: counted ? { value: 100 * (wins + draws / 2) / n, ci95: null, n } : null,
    publishedLc: plainScore(row?.length_controlled_winrate),
    publishedWinRate: plainScore(row?.win_rate),
    publishedError: plainScore(row?.standard_error),
    publishedLength: plainScore(row?.avg_length),
  };
}

/** Over the first n difficulties; all where n is not known. */
function predict(
  weights: GlmWeights,
  difficulties: Float64Array,
  n: number | null = null,
): { rate: Score; error: Score | null } {
  const over = difficulties.subarray(0, n ?? difficulties.length);
  const { rate, standardError } = controlledRate(weights, over);
  return { rate: { value: rate, ci95: null, n: over.length }, error: plainScore(standardError) };
}

function describeShifted(
  shifted: readonly LeaderboardRow[],
  { difficulties, names }: WeightsContext,
): string[] {
  if (shifted.length === 0) return [];
  const size = difficulties.values.length;
  const each = shifted.map(({ model, n_total }) => `${names.labelOf(model)} ${n_total}`);
  return [`Judged on fewer than ${size} instructions: ${each.join(", ")}. ${SHIFTED}`];
}

/** Models held against one another, from weights that were fitted against each baseline. */
export function weightsTable(
  files: readonly { readonly baseline: string; readonly models: ReadonlyMap<string, GlmWeights> }[],
  { difficulties, names }: WeightsContext,
): ScoreTable {
  return {
    id: "head-to-head",
    title: "AlpacaEval 2.0 instructions: the first model over the second, from published weights",
    heading: "Models",
    caption:
      "The length-controlled win rate: the mean preference that the published GLM predicts " +
      "at no length difference over all instructions; its standard error is that of the " +
      "predictions. The win rate without length control rests on lengths or judgments that are not in " +
      "these files; the same weights bound it, over outputs of any lengths.",
    columns: [
      { id: "lengthControlled", label: "LC from weights", ...rate, better: "higher" },
      { id: "lcStandardError", label: "Standard error", ...rate },
      { id: "leastWinRate", label: "at least", group: "Win rate", ...rate },
      { id: "mostWinRate", label: "at most", group: "Win rate", ...rate },
    ],
    rows: files.flatMap(({ baseline, models }) =>
      names.inOrder([...models.keys()].filter((model) => model !== baseline)).map(
        (model): ScoreRow => {
          const weights = models.get(model)!;
          const { rate: lengthControlled, error } = predict(weights, difficulties.values);
          const atLength = (sign: number) =>
            predict({
              ...weights,
              constant: weights.constant + sign * Math.abs(weights.length),
            }, difficulties.values).rate;
          return {
            id: `${model}:${baseline}`,
            label: `${names.labelOf(model)} over ${names.labelOf(baseline)}`,
            values: {
              ...{ lengthControlled, lcStandardError: error },
              ...{ leastWinRate: atLength(-1), mostWinRate: atLength(1) },
            },
            note: null,
          };
        },
      )
    ),
  };
}
