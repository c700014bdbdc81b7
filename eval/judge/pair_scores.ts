import { InputError, type Problem } from "../../core/problem.ts";
import {
  plainScore,
  type ScoreColumn,
  type ScoreRow,
  type ScoreTable,
} from "../../core/score_table.ts";
import { estimate } from "../estimate.ts";
import { type ModelNames, type NamedModel, nameModels } from "../named_models.ts";
import { clusterId } from "../pair_preferences.ts";
import { type FromInstance, seedOf } from "../systems.ts";
import { pairsForTwoPoints, POWER_CAPTION } from "../stats/power.ts";
import { clusteredError, type ItemSample } from "../stats/sample.ts";
import { itemKey } from "./judged_item.ts";
import type { Judged, Judgment } from "./judgment.ts";
import { pairCredit, sameSide, sideOf } from "./pair_credit.ts";

/** What a judge said of one system beside another, and the stage instance that it comes from. */
export interface JudgedInput extends FromInstance {
  readonly judged: Judged;
}

/** Wins of one system over another, pair by pair of replies. */
export interface PairCredits {
  /**
   * The first question of each pair's conversation, whose turns depend on each other, as evaluations tell
   * prompts apart; and what the pair adds: 100, 50, 0, or between.
   */
  readonly sample: ItemSample;
  /** Pairs left out, since a judgment of theirs is not scored. */
  readonly unscored: number;
  /** Pairs judged in both orders, those of them with the same verdict in both, and with that for the reply shown first. */
  readonly inBothOrders: number;
  readonly same: number;
  readonly first: number;
}

/** What each pair of replies adds to the win rate of the second system, percent. A judge's seeds count one by one. */
export function pairCredits({ items, judgments, rule }: Judged): PairCredits {
  const questions = new Map(items.map((item) => [itemKey(item), item.questions[0]]));
  const sample = { items: [] as string[], values: [] as number[] };
  let [unscored, inBothOrders, same, first] = [0, 0, 0, 0];
  const pairs = Map.groupBy(judgments, (judgment) => `${judgment.seed} ${itemKey(judgment)}`);
  for (const pair of pairs.values()) {
    const credit = pairCredit(pair, rule);
    if (credit === null) {
      unscored++;
      continue;
    }
    if (pair.length > 1) inBothOrders++;
    if (pair.length > 1 && sameSide(pair.map(({ value }) => value!))) same++;
    if (pair.length > 1 && pair.every(prefersFirst)) first++;
    sample.items.push(clusterId(questions.get(itemKey(pair[0]))!));
    sample.values.push(100 * credit);
  }
  return { sample, unscored, inBothOrders, same, first };
}

/** Whether the reply that was shown first is preferred: the baseline's, unless they were swapped. */
function prefersFirst({ value, swapped }: Judgment): boolean {
  return sideOf(value!) === (swapped ? 1 : -1);
}

/**
 * The win rates of systems over others, seeds together, intervals made as comparisons make them.
 *
 * @throws InputError for judgments of single replies, of several judges, of two systems twice in a seed;
 * for named models that nothing knows
 */
export function pairScoresTable(
  inputs: readonly JudgedInput[],
  { models, seed }: { readonly models: readonly NamedModel[]; readonly seed: number },
): ScoreTable {
  const judge = requireComparable(inputs);
  const names = nameModels(models, inputs.flatMap(({ judged }) => judged.systems));
  const duels = Map.groupBy(inputs, duelOf);
  const scored = [...duels.values()].map((duel) => duelRow(duel, names, seed));
  const methods = [...new Set(scored.flatMap(({ method }) => method ?? []))];
  return {
    id: "pairs",
    title: `Replies side by side, judged by ${judge}: the first system over the second`,
    heading: "Systems",
    caption:
      "A pair of replies that was judged in both orders is won or lost where both say so, else a tie; " +
      "preferences given as probabilities are averaged. Win rate: mean over pairs, a tie counting " +
      `half, ± 95% interval, its larger side (${methods.join("; ") || "none"}). n counts judged ` +
      "pairs, those of equal replies too, all seeds together. Same verdict, and first in both (the " +
      "reply shown first preferred in both): of pairs judged in both orders. Scored: pairs whose every " +
      `judgment could be read. ${POWER_CAPTION}`,
    columns: COLUMNS,
    rows: scored.map(({ row }) => row),
  };
}

const percent = { unit: "%", better: null, digits: 1 } as const;
const count = { unit: null, better: null, digits: 0 } as const;

const COLUMNS: readonly ScoreColumn[] = [
  { id: "wins", label: "Wins", ...count },
  { id: "losses", label: "Losses", ...count },
  { id: "ties", label: "Ties", ...count },
  { id: "winRate", label: "Win rate", ...percent, better: "higher" },
  { id: "sameVerdict", label: "Same verdict", ...percent },
  { id: "firstPreferred", label: "First in both", ...percent },
  { id: "neededForTwoPoints", label: "n for 2 points", ...count },
  { id: "scored", label: "Scored", ...percent },
];

function duelRow(
  duel: readonly JudgedInput[],
  names: ModelNames,
  seed: number,
): { row: ScoreRow; method: string | null } {
  const inOrder = duel.toSorted((a, b) => (seedOf(a) ?? -1) - (seedOf(b) ?? -1));
  const bySeed = inOrder.map(({ judged }) => pairCredits(judged));
  const samples = bySeed.map(({ sample }) => sample.values.length === 0 ? null : sample);
  const rate = samples.every((sample) => sample === null)
    ? null
    : estimate(samples, { seed, bounds: [0, 100] });
  const sum = (of: (credits: PairCredits) => number) =>
    bySeed.reduce((total, credits) => total + of(credits), 0);
  const counted = (holds: (credit: number) => boolean) =>
    plainScore(sum(({ sample }) => sample.values.filter(holds).length));
  const [judged, unscored] = [sum(({ sample }) => sample.values.length), sum((c) => c.unscored)];
  const inBothOrders = sum((credits) => credits.inBothOrders);
  const ofBothOrders = (of: (credits: PairCredits) => number) =>
    plainScore(inBothOrders === 0 ? null : 100 * sum(of) / inBothOrders);
  const [b, a] = duel[0].judged.systems;
  const row = {
    id: `${a}:${b}`,
    label: `${names.labelOf(a)} over ${names.labelOf(b)}`,
    values: {
      wins: counted((credit) => credit > 50),
      losses: counted((credit) => credit < 50),
      ties: counted((credit) => credit === 50),
      winRate: rate && { value: rate.mean, ci95: rate.ci95, n: rate.n },
      sameVerdict: ofBothOrders(({ same }) => same),
      firstPreferred: ofBothOrders(({ first }) => first),
      neededForTwoPoints: plainScore(neededPairs(bySeed)),
      scored: plainScore(100 * judged / (judged + unscored)),
    },
    note: unscored === 0
      ? null
      : `${unscored} of ${judged + unscored} pairs have a judgment that is not scored: left out.`,
  };
  return { row, method: rate?.method ?? null };
}

/** How many pairs tell 2 points apart, the replies to one question being dependent; null where that is not known. */
function neededPairs(bySeed: readonly PairCredits[]): number | null {
  const sample = {
    items: bySeed.flatMap(({ sample }) => sample.items),
    values: bySeed.flatMap(({ sample }) => sample.values),
  };
  if (new Set(sample.items).size < 2) return null;
  return pairsForTwoPoints(clusteredError(sample), sample.values.length)?.needed ?? null;
}

/** Two systems, in the order of their judgments. */
function duelOf({ judged }: JudgedInput): string {
  return JSON.stringify(judged.systems);
}

/** The judge's name. */
function requireComparable(inputs: readonly JudgedInput[]): string {
  const [first] = inputs;
  const problems = inputs.flatMap((input, i): Problem[] => {
    const { from, judged: { kind, judge } } = input;
    const refuse = (message: string) => [{ path: from, message }];
    if (kind === "single") {
      return refuse("Expected judgments of pairs but found those of single replies.");
    }
    if (judge !== first.judged.judge) {
      return refuse(
        `Expected the judge of ${first.from}, ${first.judged.judge}, but found ${judge}.`,
      );
    }
    const same = inputs.findIndex((other) =>
      duelOf(other) === duelOf(input) && seedOf(other) === seedOf(input)
    );
    if (same === i) return [];
    return refuse(`Expected other systems, or another seed, than those of ${inputs[same].from}.`);
  });
  if (problems.length > 0) throw new InputError(problems);
  return first.judged.judge;
}
