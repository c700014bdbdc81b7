import { refuseProblems } from "../../core/problem.ts";
import { bootstrapInterval } from "../stats/bootstrap.ts";
import { mean } from "../stats/moments.ts";
import { clusteredError } from "../stats/sample.ts";
import type { SingleJudgment } from "./judgments.ts";
import { ofOneJudge } from "./one_judge.ts";
import { mtBenchCategory, type Question } from "./questions.ts";
import { refuseRepeats } from "./refuse_repeats.ts";

/** MT-Bench's grades of a model, 1 to 10. */
export interface SingleScore {
  readonly model: string;
  /** Over all graded turns. */
  readonly mean: number;
  /** Of the mean, the turns of a question being dependent; null for a single question. */
  readonly standardError: number | null;
  /** Bootstrap over questions; null for a single one. */
  readonly ci95: readonly [number, number] | null;
  /** Null where the file has no such turn. */
  readonly turn1: number | null;
  readonly turn2: number | null;
  /** Means by category, in MT-Bench's order; none where no question has one. */
  readonly categories: Readonly<Record<string, number>>;
  /** Graded turns. */
  readonly n: number;
  /** Turns left out because the judge gave no grade that could be read. */
  readonly unreadable: number;
}

/** What else the means need. */
export interface SingleRequest {
  /** The file, for messages. */
  readonly path: string;
  /** The judge's model, where the file has several. */
  readonly judge?: string;
  /** Says each question's category; MT-Bench's own 80 are known, and files without any of these have none. */
  readonly questions?: readonly Question[];
  /** Seed of the bootstrap; 0 unless given. */
  readonly seed?: number;
}

/**
 * Means of the grades of every model in a file, the best model first. Models without a grade that
 * could be read are left out.
 *
 * @throws InputError for several judges, a turn graded twice, or a question of no known category
 */
export function scoreSingle(
  judgments: readonly SingleJudgment[],
  request: SingleRequest,
): SingleScore[] {
  const own = ofOneJudge(judgments, request);
  const categories = categoriesOf(own, request);
  const models = [...new Set(own.map(({ model }) => model))];
  refuseRepeats(own, { path: request.path, whose: ({ model }) => model });
  return models.flatMap((model) => {
    const rows = own.filter((row) => row.model === model);
    const graded = rows.filter(({ score }) => score !== -1);
    if (graded.length === 0) return [];
    const sample = {
      items: graded.map(({ question_id }) => String(question_id)),
      values: graded.map(({ score }) => score),
    };
    const oneQuestion = new Set(sample.items).size < 2;
    const meanWhere = (holds: (row: SingleJudgment) => boolean) => {
      const scores = graded.filter(holds).map(({ score }) => score);
      return scores.length === 0 ? null : mean(scores);
    };
    const means = [...new Set(categories.values())].map((category) =>
      [category, meanWhere(({ question_id }) => categories.get(question_id) === category)] as const
    );
    return [{
      model,
      mean: mean(sample.values),
      standardError: oneQuestion ? null : clusteredError(sample),
      ci95: oneQuestion ? null : bootstrapInterval(sample, { seed: request.seed ?? 0 }),
      turn1: meanWhere(({ turn }) => turn === 1),
      turn2: meanWhere(({ turn }) => turn === 2),
      categories: Object.fromEntries(means.filter(([, each]) => each !== null)) as Record<
        string,
        number
      >,
      n: graded.length,
      unreadable: rows.length - graded.length,
    }];
  }).sort((x, y) => y.mean - x.mean || (x.model < y.model ? -1 : 1));
}

/** The category of every question of the file, in the order of the questions' ids. */
function categoriesOf(
  judgments: readonly SingleJudgment[],
  { path, questions }: SingleRequest,
): Map<number | string, string> {
  const known = new Map(questions?.map(({ question_id, category }) => [question_id, category]));
  const categoryOf = (id: number | string) =>
    questions === undefined ? mtBenchCategory(id) : known.get(id);
  const ids = [...new Set(judgments.map(({ question_id }) => question_id))]
    .sort((x, y) => Number(x) - Number(y));
  if (questions === undefined && ids.every((id) => categoryOf(id) === undefined)) return new Map();
  refuseProblems(
    ids.filter((id) => categoryOf(id) === undefined).map((id) => ({
      path,
      message: `Expected a question ${
        questions === undefined
          ? "from 81 to 160, or --questions to say its category,"
          : "of --questions"
      } but found ${JSON.stringify(id)}.`,
    })),
  );
  return new Map(ids.map((id) => [id, categoryOf(id)!]));
}
