import { checkRows, type RowFields } from "../../data/sources/row_fields.ts";
import { readJsonLines } from "../../data/sources/row_files.ts";

/** A row of FastChat's `question.jsonl`. */
export interface Question extends Readonly<Record<string, unknown>> {
  readonly question_id: number | string;
  readonly category: string;
  /** What the user says, turn by turn. */
  readonly turns: readonly string[];
}

/** MT-Bench's categories, ten questions each, from question 81 on in this order. */
export const MT_BENCH_CATEGORIES = [
  "writing",
  "roleplay",
  "reasoning",
  "math",
  "coding",
  "extraction",
  "stem",
  "humanities",
] as const;

const FIRST_QUESTION = 81;
const QUESTIONS_EACH = 10;

/**
 * Reads a `question.jsonl`; other columns, such as `reference`, are kept.
 *
 * @throws InputError with every row that is no question, or that the file cannot be read
 */
export async function readQuestions(path: string): Promise<Question[]> {
  return checkRows(await readJsonLines(path, "questions"), (fields) => ({
    ...fields.row,
    question_id: questionId(fields),
    category: fields.text("category"),
    turns: readTurns(fields),
  }));
}

function readTurns(fields: RowFields): string[] {
  const turns = fields.texts("turns");
  if (Array.isArray(fields.value("turns")) && turns.length === 0) {
    fields.refuse("turns", "a text for each turn, at least one,");
  }
  return turns;
}

/** The `question_id` of a row of any of FastChat's files: a number, or a text in benchmarks of others. */
export function questionId(fields: RowFields): number | string {
  const id = fields.value("question_id");
  if (typeof id === "string") return id;
  return fields.number("question_id", { integer: true });
}

/** The category of each of MT-Bench's own 80 questions, by id; undefined for other ids. */
export function mtBenchCategory(id: number | string): string | undefined {
  const at = Math.floor((Number(id) - FIRST_QUESTION) / QUESTIONS_EACH);
  return MT_BENCH_CATEGORIES[at];
}
