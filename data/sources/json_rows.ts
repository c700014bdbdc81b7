import { repeatedKeys } from "../../core/json_keys.ts";
import { InputError } from "../../core/problem.ts";
import type { RowProblem } from "./conversation.ts";
import { MOST_ROW_BYTES, PAIR_COLUMNS } from "./preference_row.ts";
import { isGzipDamage, type Line, readLines } from "./read_lines.ts";
import { type SourceRow, tooLarge } from "./source_row.ts";

/**
 * Streams the rows of a file with one JSON object a line. Blank lines are skipped; a line that is no
 * such object comes out as a problem.
 *
 * @throws InputError when a `.gz` file is no gzip or ends too early
 */
export async function* readJsonRows(path: string): AsyncGenerator<SourceRow> {
  let read = 0;
  try {
    for await (const line of readLines(path, { mostBytes: MOST_ROW_BYTES })) {
      read = line.number;
      if (line.text !== null && line.text.trim() === "") continue;
      yield { number: line.number, ...parseLine(line) };
    }
  } catch (error) {
    if (!isGzipDamage(error)) throw error;
    const after = read === 0 ? "" : ` after line ${read}`;
    const message = `Expected whole gzip data but found${after}: ${error.message}`;
    throw new InputError([{ path: `${path}:${read + 1}`, message }]);
  }
}

type Parsed = { readonly row: Record<string, unknown> } | { readonly problem: RowProblem };

function parseLine({ text, bytes }: Line): Parsed {
  const problem = (message: string) => ({ problem: { message } });
  if (bytes > MOST_ROW_BYTES) return { problem: tooLarge(bytes, MOST_ROW_BYTES) };
  if (text === null) return problem("Expected UTF-8 text but found other bytes.");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return problem(`Expected a JSON object but found ${excerpt(text)}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return problem(`Expected a JSON object but found ${excerpt(text)}.`);
  }
  const twice = repeatedKeys(text).find(isOfPair);
  if (twice !== undefined) return problem(`Expected each key once but found ${twice} twice.`);
  return { row: value as Record<string, unknown> };
}

/** Whether a key is a column of pairs, or lies in one; `JSON.parse` keeps the last of two in silence. */
function isOfPair(key: string): boolean {
  return PAIR_COLUMNS.some((column) => key === column || key.startsWith(`${column}.`));
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
