import { InputError, nearest, refuseProblems } from "../../core/problem.ts";
import { bootstrapInterval } from "../stats/bootstrap.ts";
import { type OrderConsistency, orderConsistency, type Preference } from "../stats/agreement.ts";
import { clusteredError } from "../stats/sample.ts";
import { winRate } from "../stats/win_rate.ts";
import type { PairJudgment, Verdict } from "./judgments.ts";
import { ofOneJudge } from "./one_judge.ts";
import { refuseRepeats } from "./refuse_repeats.ts";

/** How often model a beat model b, as MT-Bench counts; rates are percent. */
export interface PairwiseScore {
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  /** 100 · (wins + ties/2) / n. */
  readonly adjustedWinRate: number;
  /** Of the adjusted win rate, the turns of a question being dependent; null for a single question. */
  readonly standardError: number | null;
  /** Bootstrap over questions, whose turns belong together; null for a single question. */
  readonly ci95: readonly [number, number] | null;
  /** Judged turns, each in both orders. */
  readonly n: number;
  /** Turns left out because the judge's answer could not be read in one order or both. */
  readonly unreadable: number;
  /** How far the judge keeps to its verdict when the answers change places. */
  readonly consistency: OrderConsistency;
}

/** Whom to compare, in which file. */
export interface PairwiseRequest {
  readonly a: string;
  readonly b: string;
  /** The file, for messages. */
  readonly path: string;
  /** The judge's model, where the file has several. */
  readonly judge?: string;
  /** Seed of the bootstrap. */
  readonly seed: number;
}

/**
 * Counts pairwise judgments of two models: a win is a win in both orders, and so is a loss; all else
 * is a tie (Zheng et al., 2023, arXiv 2306.05685, section 3.4).
 *
 * @throws InputError when the file has no judgments of the two, several judges, or a turn twice
 */
export function scorePairwise(
  judgments: readonly PairJudgment[],
  request: PairwiseRequest,
): PairwiseScore {
  const { own, read } = readTurns(judgments, request);
  const both = (side: Preference) =>
    read.map(({ aFirst, bFirst }) => Number(aFirst === side && bFirst === side));
  const { wins, losses, ties, rate, credits } = winRate(both("a"), both("b"));
  const sample = { items: read.map(({ question }) => question), values: credits };
  const oneQuestion = new Set(sample.items).size < 2;
  return {
    wins,
    losses,
    ties,
    adjustedWinRate: rate,
    standardError: oneQuestion ? null : clusteredError(sample),
    ci95: oneQuestion ? null : bootstrapInterval(sample, { seed: request.seed }),
    n: read.length,
    unreadable: own.length - read.length,
    consistency: orderConsistency(
      read.map(({ aFirst }) => aFirst),
      read.map(({ bFirst }) => bFirst),
    ),
  };
}

/**
 * The verdict on each turn that could be read in both orders, by its question, number and the place of the
 * judge's seed among its seeds: what both orders say, else a tie.
 *
 * @throws InputError as `scorePairwise` does
 */
export function pairVerdicts(
  judgments: readonly PairJudgment[],
  request: Omit<PairwiseRequest, "seed">,
): Map<string, Preference> {
  const { read } = readTurns(judgments, request);
  const seeds = [...new Set(read.map(({ seed }) => seed))].sort((x, y) => Number(x) - Number(y));
  return new Map(read.map(({ question, turn, seed, aFirst, bFirst }) => [
    JSON.stringify([question, turn, seeds.indexOf(seed)]),
    aFirst === bFirst ? aFirst : "tie",
  ]));
}

/** A turn that was read in both orders. */
interface ReadTurn {
  readonly question: string;
  readonly turn: number;
  readonly seed: unknown;
  readonly aFirst: Preference;
  readonly bFirst: Preference;
}

/** The judgments of two models by one judge, and those of them that could be read. */
function readTurns(
  judgments: readonly PairJudgment[],
  request: Omit<PairwiseRequest, "seed">,
): { own: readonly PairJudgment[]; read: readonly ReadTurn[] } {
  const { a, b, path } = request;
  requireModels(judgments, request);
  const between = judgments.filter(({ model_1, model_2 }) =>
    model_1 === a && model_2 === b || model_1 === b && model_2 === a
  );
  if (between.length === 0) {
    const message = `Expected judgments of "${a}" and "${b}" but found none.`;
    throw new InputError([{ path, message }]);
  }
  const own = ofOneJudge(between, request);
  refuseRepeats(own, { path });
  const read = own.flatMap((row): ReadTurn[] => {
    const [first, second] = [row.g1_winner, row.g2_winner].map((won) => preference(won, row, a));
    if (first === null || second === null) return [];
    // What was shown first in the file's first order is model 1's answer.
    const [aFirst, bFirst] = row.model_1 === a ? [first, second] : [second, first];
    const { question_id, turn, seed } = row;
    return [{ question: String(question_id), turn, seed, aFirst, bFirst }];
  });
  if (read.length === 0) {
    throw new InputError([{ path, message: "Expected verdicts but found only errors." }]);
  }
  return { own, read };
}

function preference(verdict: Verdict, { model_1 }: PairJudgment, a: string): Preference | null {
  if (verdict === "error") return null;
  if (verdict === "tie") return "tie";
  return (verdict === "model_1") === (model_1 === a) ? "a" : "b";
}

function requireModels(
  judgments: readonly PairJudgment[],
  { a, b, path }: Omit<PairwiseRequest, "seed">,
): void {
  const known = new Set(judgments.flatMap(({ model_1, model_2 }) => [model_1, model_2]));
  if (a === b) {
    throw new InputError([{ path: "--b", message: `Expected another model than --a, "${a}".` }]);
  }
  refuseProblems(
    [["--a", a], ["--b", b]].filter(([, name]) => !known.has(name)).map(
      ([option, name]) => ({
        path: option,
        message: `Expected a model of ${path} (${
          [...known].sort().join(", ")
        }) but found "${name}".`,
        nearest: nearest(name, known),
      }),
    ),
  );
}
