import type { Score } from "../../core/score_table.ts";
import type { Difficulties } from "./difficulty.ts";
import type { GamedRow } from "./gamed_baselines.ts";
import type { GlmWeights } from "./glm_weights.ts";
import type { LeaderboardRow } from "./leaderboard.ts";
import { type CompleteModel, simulatePositionalShift } from "./positional_shift.ts";

/** Models that made-up judgments are drawn from: those whose win rates are nearest. */
const NEIGHBOURS = 20;

/** What a simulation rests on. */
interface SimulationContext {
  readonly weights: ReadonlyMap<string, GlmWeights>;
  readonly difficulties: Difficulties;
  readonly gamed?: readonly GamedRow[];
  readonly seed: number;
}

/**
 * What a published length-controlled win rate would be, by simulation, had alpaca_eval taken
 * difficulties by instruction: the published rate less the shift that the same number of missing
 * judgments makes in models of the leaderboard that lack none.
 *
 * @param model a row of the leaderboard
 * @returns null where none of its instructions lacks a judgment, or the leaderboard has no model to draw from
 */
export function rateByInstruction(
  model: LeaderboardRow,
  leaderboard: readonly LeaderboardRow[],
  { weights, difficulties, gamed, seed }: SimulationContext,
): Score | null {
  const { n_total: n, win_rate: winRate, length_controlled_winrate: published } = model;
  const size = difficulties.values.length;
  if (n === null || winRate === null || published === null || n >= size || n < 1) return null;
  const models = leaderboard.flatMap((row): CompleteModel[] => {
    const own = weights.get(row.model);
    if (own === undefined || row.n_total !== size || row.win_rate === null) return [];
    return [{ weights: own, winRate: row.win_rate }];
  }).sort((a, b) => Math.abs(a.winRate - winRate) - Math.abs(b.winRate - winRate))
    .slice(0, NEIGHBOURS);
  if (models.length === 0) return null;
  const { median, interval: [low, high] } = simulatePositionalShift({
    ...{ models, gamed, seed, difficulties: difficulties.values, missing: size - n },
  });
  return { value: published - median, ci95: [published - high, published - low], n };
}
