import { checkRows, type RowFields } from "../../data/sources/row_fields.ts";
import { readJsonLines } from "../../data/sources/row_files.ts";
import { questionId } from "./questions.ts";

/** One try at a question: a model's reply in each turn. */
export interface AnswerChoice extends Readonly<Record<string, unknown>> {
  readonly index: number;
  readonly turns: readonly string[];
}

/** A row of FastChat's `model_answer/MODEL.jsonl`, also of its reference answers. */
export interface Answer extends Readonly<Record<string, unknown>> {
  readonly question_id: number | string;
  readonly answer_id: string;
  readonly model_id: string;
  readonly choices: readonly AnswerChoice[];
  /** Seconds since 1970. */
  readonly tstamp: number;
}

/**
 * Reads a file of answers; other columns are kept.
 *
 * @throws InputError with every row that is no answer, or that the file cannot be read
 */
export async function readAnswers(path: string): Promise<Answer[]> {
  return checkRows(await readJsonLines(path, "answers"), (fields) => ({
    ...fields.row,
    question_id: questionId(fields),
    answer_id: fields.text("answer_id"),
    model_id: fields.text("model_id"),
    choices: readChoices(fields),
    tstamp: fields.number("tstamp"),
  }));
}

function readChoices(fields: RowFields): AnswerChoice[] {
  const choices = fields.value("choices");
  const isChoice = (choice: unknown) =>
    typeof choice === "object" && choice !== null && "index" in choice &&
    typeof choice.index === "number" && "turns" in choice && Array.isArray(choice.turns) &&
    choice.turns.every((turn: unknown) => typeof turn === "string");
  if (Array.isArray(choices) && choices.length > 0 && choices.every(isChoice)) return choices;
  fields.refuse("choices", "a list of choices {index, turns} with a text a turn");
  return [];
}
