import { InputError, nearest, type Problem } from "../../core/problem.ts";
import type { Prompt } from "../pair.ts";
import { BadRow, kindOf, parseMessages, parsePrompt, type RowProblem } from "./conversation.ts";
import { readJsonRows } from "./json_rows.ts";
import { shownColumns } from "./preference_row.ts";
import { requireLines } from "./source_file.ts";

const SHAPE = "a row {prompt} of a text, or of messages [{role, content}]";

/** Problems named in one message. */
const MOST_PROBLEMS = 20;

/** A prompt and where it stands. */
export interface PlacedPrompt {
  /** File and line: `prompts.jsonl:3`. */
  readonly where: string;
  readonly prompt: Prompt;
}

/**
 * Reads a file of prompts, `.jsonl` or `.jsonl.gz`: one JSON object a line, whose `prompt` is a text or
 * a list of messages; other columns are passed over, blank lines skipped.
 *
 * @throws InputError naming up to 20 bad lines and how many more there are, or that the file is missing,
 * empty or of another kind
 */
export async function readPromptRows(path: string): Promise<PlacedPrompt[]> {
  await requireLines(path, "prompts");
  const problems: Problem[] = [];
  const prompts: PlacedPrompt[] = [];
  for await (const source of readJsonRows(path)) {
    const found = "problem" in source ? source.problem : promptOf(source.row);
    const where = `${path}:${source.number}`;
    if (isProblem(found)) problems.push({ path: where, ...found });
    else prompts.push({ where, prompt: found });
  }
  if (prompts.length + problems.length === 0) {
    problems.push({ path, message: `Expected ${SHAPE} in each line but found none.` });
  }
  if (problems.length > MOST_PROBLEMS) {
    const more = problems.splice(MOST_PROBLEMS).length;
    problems.push({ path, message: `${more} more lines are bad.` });
  }
  if (problems.length > 0) throw new InputError(problems);
  return prompts;
}

function promptOf(row: Readonly<Record<string, unknown>>): Prompt | RowProblem {
  const { prompt } = row;
  if (typeof prompt === "string") return prompt;
  if (!("prompt" in row)) {
    const columns = Object.keys(row);
    const found = columns.length === 0 ? "no column" : `columns ${shownColumns(columns)}`;
    return {
      message: `Expected ${SHAPE} but found ${found}.`,
      nearest: nearest("prompt", columns) && "prompt",
    };
  }
  if (!Array.isArray(prompt)) {
    return { message: `Expected ${SHAPE} but found prompt: ${kindOf(prompt)}.` };
  }
  try {
    return parsePrompt(parseMessages(prompt, "prompt"), "prompt");
  } catch (error) {
    if (error instanceof BadRow) return error.problem;
    throw error;
  }
}

function isProblem(value: Prompt | RowProblem): value is RowProblem {
  return typeof value === "object" && "message" in value;
}
