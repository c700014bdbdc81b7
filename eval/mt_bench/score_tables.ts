import { collectProblems, InputError, type Problem } from "../../core/problem.ts";
import {
  plainScore,
  type ScoreColumn,
  type ScoreRow,
  type ScoreTable,
} from "../../core/score_table.ts";
import { findJudgmentFiles, type JudgmentKind } from "../judgment_files.ts";
import { type ModelNames, type NamedModel, nameModels } from "../named_models.ts";
import { type CategoryMeans, readCategoryMeans } from "./category_means.ts";
import {
  type PairJudgment,
  readPairJudgments,
  readSingleJudgments,
  type SingleJudgment,
} from "./judgments.ts";
import { type PairwiseScore, scorePairwise } from "./pairwise.ts";
import { pairsForTwoPoints, POWER_CAPTION } from "../stats/power.ts";
import type { Question } from "./questions.ts";
import { scoreSingle, type SingleScore } from "./single.ts";

/** Which judgments of MT-Bench to score, and how. */
export interface MtBenchRequest {
  /** Folders of artifacts of judgments. */
  readonly folders: readonly string[];
  readonly models: readonly NamedModel[];
  /** The judge's model, where a file has several. */
  readonly judge?: string;
  readonly questions?: readonly Question[];
  /** Seed of the bootstraps. */
  readonly seed: number;
}

/** A file with its rows. */
interface Read<T> {
  readonly path: string;
  readonly rows: readonly T[];
}

/**
 * Scores all that the folders hold of MT-Bench: pairwise judgments, grades, stated means by category.
 *
 * @throws InputError when they hold nothing of it, or with every problem of their judgments
 */
export async function mtBenchTables(request: MtBenchRequest): Promise<ScoreTable[]> {
  const pairs = await readKind(request.folders, "pairs", readPairJudgments);
  const grades = await readKind(request.folders, "grades", readSingleJudgments);
  const means = await readKind(request.folders, "categoryMeans", readCategoryMeans);
  if ([...pairs, ...grades, ...means].length === 0) {
    const message = "Expected pairwise judgments, grades or category means but found none.";
    throw new InputError([{ path: "judgments", message }]);
  }
  const names = nameModels(request.models, [
    ...pairs.flatMap(({ rows }) => rows.flatMap(({ model_1, model_2 }) => [model_1, model_2])),
    ...grades.flatMap(({ rows }) => rows.map(({ model }) => model)),
    ...means.flatMap(({ rows }) => rows.map(({ system }) => system)),
  ]);
  const tables = await collectProblems([
    () => pairs.length === 0 ? [] : [pairwiseTable(scorePairs(pairs, request), names)],
    () => grades.length === 0 ? [] : [gradesTable(scoreGrades(grades, request), names)],
    () => means.length === 0 ? [] : [categoryTable(statedMeans(means), names)],
  ]);
  return tables.flat();
}

/** Reads every file of a kind in some folders. */
async function readKind<T>(
  folders: readonly string[],
  kind: JudgmentKind,
  read: (path: string) => Promise<T[]>,
): Promise<Read<T>[]> {
  const paths = await Promise.all(folders.map((folder) => findJudgmentFiles(folder, kind)));
  return await collectProblems(
    paths.flat().map((path) => async () => ({ path, rows: await read(path) })),
  );
}

/** Model `a` against model `b`. */
interface ScoredPair {
  readonly a: string;
  readonly b: string;
  readonly score: PairwiseScore;
}

/** Every two models that a file has judgments of; what FastChat calls model 2 is held against model 1. */
function scorePairs(files: readonly Read<PairJudgment>[], request: MtBenchRequest): ScoredPair[] {
  const scored: (ScoredPair & { readonly path: string })[] = [];
  const problems: Problem[] = [];
  for (const { path, rows } of files) {
    const ofPair = Map.groupBy(
      rows,
      ({ model_1, model_2 }) => [model_1, model_2].sort().join("\n"),
    );
    for (const [{ model_1: b, model_2: a }] of ofPair.values()) {
      const same = scored.find((each) =>
        [each.a, each.b].every((name) => name === a || name === b)
      );
      if (same !== undefined) {
        const message = `Expected no judgments of "${a}" and "${b}", which ${same.path} has.`;
        problems.push({ path, message });
        continue;
      }
      try {
        scored.push({ a, b, path, score: scorePairwise(rows, { ...request, a, b, path }) });
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        problems.push(...error.problems);
      }
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  return scored;
}

/** Every model that a file grades. */
function scoreGrades(
  files: readonly Read<SingleJudgment>[],
  request: MtBenchRequest,
): SingleScore[] {
  const scored = files.flatMap(({ path, rows }) =>
    scoreSingle(rows, { ...request, path }).map((score) => ({ path, ...score }))
  );
  refuseTwice("grades", scored);
  return scored;
}

/** Every system whose means by category a file states, by its name. */
function statedMeans(files: readonly Read<CategoryMeans>[]): Map<string, CategoryMeans["means"]> {
  const stated = files.flatMap(({ path, rows }) =>
    rows.map(({ system, means }) => ({ path, model: system, means }))
  );
  refuseTwice("means", stated);
  return new Map(stated.map(({ model, means }) => [model, means]));
}

/** @throws InputError naming every model that two files have */
function refuseTwice(
  what: string,
  found: readonly { readonly path: string; readonly model: string }[],
): void {
  const problems = found.flatMap(({ path, model }, i): Problem[] => {
    const same = found.findIndex((each) => each.model === model);
    if (same === i) return [];
    return [{ path, message: `Expected no ${what} of "${model}", which ${found[same].path} has.` }];
  });
  if (problems.length > 0) throw new InputError(problems);
}

const rate = { unit: "%", better: null, digits: 2 } as const;
const count = { unit: null, better: null, digits: 0 } as const;
const grade = { unit: null, better: "higher", digits: 3 } as const;

/** Wins, losses and ties, and the adjusted win rate with its error and interval. */
function pairwiseTable(scored: readonly ScoredPair[], names: ModelNames): ScoreTable {
  return {
    id: "pairwise",
    title: "MT-Bench, pairwise: the first model over the second",
    heading: "Models",
    caption:
      "A win is a win in both orders of the answers, a loss a loss in both; all else is a tie. " +
      "Adjusted win rate: (wins + ties / 2) / n ± 95% interval, its larger side (bootstrap over " +
      "questions, whose turns belong together), and its standard error (the turns of a question " +
      "being dependent). n counts judged turns, those with equal answers too, under each of a judge's " +
      "seeds. Same verdict: in both orders; first in both: the answer shown first preferred in both. " +
      `${POWER_CAPTION}`,
    columns: [
      { id: "wins", label: "Wins", ...count },
      { id: "losses", label: "Losses", ...count },
      { id: "ties", label: "Ties", ...count },
      { id: "adjustedWinRate", label: "Adjusted win rate", ...rate, better: "higher" },
      { id: "standardError", label: "Standard error", ...rate },
      { id: "sameVerdict", label: "Same verdict", ...rate, digits: 1 },
      { id: "firstPreferred", label: "First in both", ...rate, digits: 1 },
      { id: "neededForTwoPoints", label: "n for 2 points", ...count },
    ],
    rows: scored.map(({ a, b, score }): ScoreRow => ({
      id: `${a}:${b}`,
      label: `${names.labelOf(a)} over ${names.labelOf(b)}`,
      values: {
        wins: plainScore(score.wins),
        losses: plainScore(score.losses),
        ties: plainScore(score.ties),
        adjustedWinRate: { value: score.adjustedWinRate, ci95: score.ci95, n: score.n },
        standardError: plainScore(score.standardError),
        sameVerdict: plainScore(score.consistency.consistent),
        firstPreferred: plainScore(score.consistency.first),
        neededForTwoPoints: plainScore(pairsForTwoPoints(score.standardError, score.n)?.needed),
      },
      note: describeUnreadable(score),
    })),
  };
}

/** Means of grades, all and by turn and category. */
function gradesTable(scores: readonly SingleScore[], names: ModelNames): ScoreTable {
  const categories = [...new Set(scores.flatMap((each) => Object.keys(each.categories)))];
  const byModel = new Map(scores.map((score) => [score.model, score]));
  return {
    id: "grades",
    title: "MT-Bench, grades from 1 to 10",
    heading: "Model",
    caption: "Mean over graded turns ± 95% interval, its larger side (bootstrap over questions, " +
      "whose turns belong together), and its standard error. n counts graded turns.",
    columns: [
      { id: "mean", label: "Mean", ...grade },
      { id: "standardError", label: "Standard error", ...grade, better: null },
      { id: "turn1", label: "Turn 1", ...grade },
      { id: "turn2", label: "Turn 2", ...grade },
      ...categories.map(categoryColumn),
    ],
    rows: names.inOrder(byModel.keys()).map((model): ScoreRow => {
      const score = byModel.get(model)!;
      const means = categories.map((name) => [name, plainScore(score.categories[name])] as const);
      return {
        id: model,
        label: names.labelOf(model),
        values: {
          mean: { value: score.mean, ci95: score.ci95, n: score.n },
          standardError: plainScore(score.standardError),
          turn1: plainScore(score.turn1),
          turn2: plainScore(score.turn2),
          ...Object.fromEntries(means),
        },
        note: describeUnreadable(score),
      };
    }),
  };
}

/** Means by category as their evaluators state them, and the mean of these. */
function categoryTable(
  systems: ReadonlyMap<string, CategoryMeans["means"]>,
  names: ModelNames,
): ScoreTable {
  const categories = [...new Set([...systems.values()].flatMap((means) => Object.keys(means)))];
  return {
    id: "categories",
    title: "MT-Bench, means by category as stated",
    heading: "Model",
    caption: "The mean is that of the categories: MT-Bench's own where each has as many grades. " +
      "The grades are not in these files, so that there is neither an interval nor an n.",
    columns: [{ id: "mean", label: "Mean", ...grade }, ...categories.map(categoryColumn)],
    rows: names.inOrder(systems.keys()).map((system): ScoreRow => {
      const means = systems.get(system)!;
      const stated = Object.values(means);
      return {
        id: system,
        label: names.labelOf(system),
        values: {
          mean: plainScore(stated.reduce((sum, each) => sum + each, 0) / stated.length),
          ...Object.fromEntries(categories.map((name) => [name, plainScore(means[name])])),
        },
        note: null,
      };
    }),
  };
}

function categoryColumn(category: string): ScoreColumn {
  const label = category.slice(0, 1).toUpperCase() + category.slice(1);
  return { id: category, label, ...grade, part: true };
}

function describeUnreadable({ unreadable, n }: { unreadable: number; n: number }): string | null {
  if (unreadable === 0) return null;
  return `${unreadable} of ${unreadable + n} judgments could not be read and are left out.`;
}
