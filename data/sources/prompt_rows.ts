import { InputError, nearest, type Problem } from "../../core/problem.ts";
import type { ChatMessage } from "../tokenizer/chat_template.ts";
import { readLines } from "./read_lines.ts";

/** A prompt of a file: a text, or the messages before a reply. */
export interface PromptFileRow {
  /** The file's name and the line, from 1. */
  readonly id: string;
  readonly prompt: string | readonly ChatMessage[];
}

const ROLES = ["system", "user", "assistant"] as const;
const SHAPE = "a row {prompt} of a text, or of messages [{role, content}]";

/** Problems named in one message. */
const MOST_PROBLEMS = 20;

/**
 * Reads a file of prompts, `.jsonl` or `.jsonl.gz`: one JSON object a line, whose `prompt` is a text or
 * a list of messages `{role, content}`; other columns are passed over, blank lines skipped.
 *
 * @throws InputError naming up to 20 bad lines and how many more there are, or that the file is empty
 */
export async function readPromptRows(path: string): Promise<PromptFileRow[]> {
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.gz$/, "");
  const problems: Problem[] = [];
  const rows: PromptFileRow[] = [];
  for await (const { number, text } of readLines(path)) {
    if (text !== null && text.trim() === "") continue;
    const parsed = parseRow(text);
    if (typeof parsed === "object" && "message" in parsed) {
      problems.push({ path: `${path}:${number}`, ...parsed });
    } else rows.push({ id: `${name}:${number}`, prompt: parsed });
  }
  if (rows.length + problems.length === 0) {
    problems.push({ path, message: `Expected ${SHAPE} in each line but found none.` });
  }
  if (problems.length > MOST_PROBLEMS) {
    const more = problems.splice(MOST_PROBLEMS).length;
    problems.push({ path, message: `${more} more lines are bad.` });
  }
  if (problems.length > 0) throw new InputError(problems);
  return rows;
}

type Wrong = Omit<Problem, "path">;

function parseRow(text: string | null): PromptFileRow["prompt"] | Wrong {
  if (text === null) return { message: "Expected UTF-8 text but found other bytes." };
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    row = text;
  }
  if (!isRecord(row)) {
    const found = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
    return { message: `Expected ${SHAPE} but found ${found}.` };
  }
  const { prompt } = row;
  if (typeof prompt === "string") return prompt;
  if (prompt === undefined) {
    const columns = Object.keys(row);
    const found = columns.length === 0 ? "no column" : `columns ${columns.join(", ")}`;
    return {
      message: `Expected ${SHAPE} but found ${found}.`,
      nearest: nearest("prompt", columns) && "prompt",
    };
  }
  return parseMessages(prompt);
}

function parseMessages(value: unknown): readonly ChatMessage[] | Wrong {
  if (!Array.isArray(value) || value.length === 0) {
    return { message: `Expected ${SHAPE} but found prompt: ${JSON.stringify(value)}.` };
  }
  for (const [i, message] of value.entries()) {
    if (!isRecord(message) || typeof message.content !== "string") {
      return { message: `Expected prompt[${i}] to be {role, content} of texts but found another.` };
    }
    if (!ROLES.some((role) => role === message.role)) {
      const found = String(message.role);
      return {
        message: `Expected prompt[${i}].role to be one of ${ROLES.join(", ")} but found ${found}.`,
        nearest: nearest(found, ROLES),
      };
    }
  }
  const last = value[value.length - 1].role;
  if (last === "user") return value.map(({ role, content }) => ({ role, content }));
  return { message: `Expected the last message of prompt to be the user's but found ${last}'s.` };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
