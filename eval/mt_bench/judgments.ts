import { checkRows, type RowFields } from "../../data/sources/row_fields.ts";
import { readJsonLines } from "../../data/sources/row_files.ts";
import { questionId } from "./questions.ts";

/** What a judge said of two answers; `error` where it said nothing that could be read. */
export type Verdict = "model_1" | "model_2" | "tie" | "error";

const VERDICTS: readonly Verdict[] = ["model_1", "model_2", "tie", "error"];

/** What judgments of both kinds have; other columns (prompts, raw answers, times) are kept. */
interface JudgedTurn extends Readonly<Record<string, unknown>> {
  readonly question_id: number | string;
  /** From 1. */
  readonly turn: number;
  /** The judge's model, and the name of its prompt; empty where the file does not say. */
  readonly judge: readonly string[];
}

/** A row of FastChat's `model_judgment/…_pair.jsonl`: two answers judged in both orders. */
export interface PairJudgment extends JudgedTurn {
  readonly model_1: string;
  readonly model_2: string;
  /** With model 1's answer first. */
  readonly g1_winner: Verdict;
  /** With model 2's answer first; the names are those of the models all the same. */
  readonly g2_winner: Verdict;
}

/** A row of FastChat's `model_judgment/…_single.jsonl`: one answer, graded. */
export interface SingleJudgment extends JudgedTurn {
  readonly model: string;
  /** At most 10; −1 where the judge gave no grade that could be read. */
  readonly score: number;
}

/**
 * Reads a file of pairwise judgments.
 *
 * @throws InputError with every row that is no such judgment, or that the file cannot be read
 */
export async function readPairJudgments(path: string): Promise<PairJudgment[]> {
  return checkRows(await readJsonLines(path, "pairwise judgments"), (fields) => ({
    ...fields.row,
    ...judgedTurn(fields),
    model_1: fields.text("model_1"),
    model_2: fields.text("model_2"),
    g1_winner: fields.choice("g1_winner", VERDICTS),
    g2_winner: fields.choice("g2_winner", VERDICTS),
  }));
}

/**
 * Reads a file of grades.
 *
 * @throws InputError with every row that is no such judgment, or that the file cannot be read
 */
export async function readSingleJudgments(path: string): Promise<SingleJudgment[]> {
  return checkRows(await readJsonLines(path, "grades"), (fields) => ({
    ...fields.row,
    ...judgedTurn(fields),
    model: fields.text("model"),
    score: readScore(fields),
  }));
}

function judgedTurn(fields: RowFields): JudgedTurn {
  return {
    question_id: questionId(fields),
    turn: fields.number("turn", { least: 1, integer: true }),
    judge: fields.has("judge") ? fields.texts("judge") : [],
  };
}

function readScore(fields: RowFields): number {
  return fields.value("score") === -1 ? -1 : fields.number("score", { least: 0, most: 10 });
}
