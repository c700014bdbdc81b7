import { InputError, nearest, type Problem } from "../../core/problem.ts";
import type { PreferencePair } from "../pair.ts";
import { readLines } from "./read_lines.ts";

const COLUMNS = ["prompt", "chosen", "rejected"] as const;

/** The row shapes that can be read, for error messages. */
const KNOWN_SHAPES = "{prompt, chosen, rejected} of plain strings";

/** Problems named in one message. */
const MOST_PROBLEMS = 20;

/** How to read a file of pairs. */
export interface ReadPreferenceRows {
  /** Rows to take from the start of the file; all of them when absent. */
  readonly limit?: number;
}

/**
 * Streams the preference pairs of a `.jsonl` or `.jsonl.gz` file: one JSON object a line, with plain
 * strings `prompt`, `chosen` and `rejected`; other columns are passed over. Ids are the file's name
 * (without `.gz`) and the line: `train_prefs.jsonl:17`. Blank lines are skipped.
 *
 * Good rows come out as they are met; what is wrong is thrown together at the end of the file, so
 * whoever consumes the rows must not call them done before.
 *
 * @throws InputError naming up to 20 bad lines (no UTF-8, no JSON, fields that are missing or no
 * text) and how many more there are; or that the file is empty
 */
export async function* readPreferenceRows(
  path: string,
  options: ReadPreferenceRows = {},
): AsyncGenerator<PreferencePair> {
  const { limit = Infinity } = options;
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.gz$/, "");
  const problems: Problem[] = [];
  let more = 0;
  let rows = 0;
  for await (const { number, text } of lines(path)) {
    if (rows >= limit) break;
    if (text !== null && text.trim() === "") continue;
    rows++;
    const row = parseRow(text);
    if (!("message" in row)) {
      if (problems.length === 0) yield { id: `${name}:${number}`, ...row };
    } else if (problems.length < MOST_PROBLEMS) {
      problems.push({ path: `${path}:${number}`, ...row });
    } else {
      more++;
    }
  }
  if (rows === 0) {
    problems.push({ path, message: `Expected rows ${KNOWN_SHAPES} but found none.` });
  }
  if (more > 0) problems.push({ path, message: `${more} more lines are bad.` });
  if (problems.length > 0) throw new InputError(problems);
}

type Row = Required<Omit<PreferencePair, "id">>;

function parseRow(text: string | null): Row | { message: string; nearest?: string } {
  if (text === null) return { message: "Expected UTF-8 text but found other bytes." };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { message: `Expected a JSON object but found ${excerpt(text)}.` };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { message: `Expected a JSON object but found ${excerpt(text)}.` };
  }
  const row = value as Record<string, unknown>;
  const missing = COLUMNS.filter((column) => !(column in row));
  if (missing.length > 0) {
    const columns = Object.keys(row);
    return {
      message: `Expected ${KNOWN_SHAPES} but found columns ${columns.join(", ") || "(none)"}; ` +
        `${missing.join(" and ")} missing.`,
      nearest: nearest(missing[0], columns),
    };
  }
  const wrong = COLUMNS.filter((column) => typeof row[column] !== "string");
  if (wrong.length > 0) {
    const found = wrong.map((column) => `${column}: ${kindOf(row[column])}`).join(", ");
    return { message: `Expected ${KNOWN_SHAPES} but found ${found}.` };
  }
  const { prompt, chosen, rejected } = row as unknown as Row;
  return { prompt, chosen, rejected };
}

/** Lines of a file, with what the system says about the file itself made an input error. */
async function* lines(path: string) {
  try {
    yield* readLines(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new InputError([{ path, message: "Expected a file of pairs but found none." }]);
    }
    if (error instanceof TypeError && path.endsWith(".gz")) {
      const message = `Expected gzip data but found: ${error.message}`;
      throw new InputError([{ path, message }]);
    }
    throw error;
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
