import { csvParseRows } from "d3-dsv";
import { InputError } from "../../core/problem.ts";
import { kindOf } from "./conversation.ts";
import { readJsonRows } from "./json_rows.ts";
import { readText } from "./read_text.ts";
import { requireLines } from "./source_file.ts";
import type { SourceRow } from "./source_row.ts";

/** The rows of a file, before their fields are checked. */
export interface RowFile {
  readonly path: string;
  readonly rows: readonly SourceRow[];
  /** Where a row is, for messages: `answers.jsonl:17`, `annotations.json: row 4`. */
  where(number: number): string;
}

/**
 * The objects of a file that holds one JSON list; gzip data is unpacked. Rows count from 1.
 *
 * @param what what the rows are, in the plural: `annotations`
 * @throws InputError for a file that cannot be read, or is no such list
 */
export async function readJsonList(path: string, what: string): Promise<RowFile> {
  const text = await readText(path, what);
  const refuse = (found: string): never => {
    const message = `Expected a JSON list of ${what} but found ${found}.`;
    throw new InputError([{ path, message }]);
  };
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return refuse(`other text (${(error as Error).message})`);
  }
  if (!Array.isArray(list)) return refuse(`a ${kindOf(list)}`);
  if (list.length === 0) return refuse("an empty list");
  const rows = list.map((row, i): SourceRow =>
    kindOf(row) === "record" ? { number: i + 1, row } : {
      number: i + 1,
      problem: { message: `Expected a record but found a ${kindOf(row)}.` },
    }
  );
  return { path, rows, where: (number) => `${path}: row ${number}` };
}

/**
 * The objects of a file with one JSON object a line; a file whose name ends in `.gz` is unpacked.
 *
 * @param what what the rows are, in the plural: `questions`
 * @throws InputError for a file that cannot be read, or has no row
 */
export async function readJsonLines(path: string, what: string): Promise<RowFile> {
  await requireLines(path, what);
  const rows = await Array.fromAsync(readJsonRows(path));
  if (rows.length === 0) {
    throw new InputError([{ path, message: `Expected ${what}, one a line, but found none.` }]);
  }
  return { path, rows, where: (number) => `${path}:${number}` };
}

/**
 * The rows of a CSV file with a heading, each field a text; gzip data is unpacked.
 *
 * @param what what the rows are, in the plural: `weights`
 * @throws InputError for a file that cannot be read, or has no row
 */
export async function readCsv(path: string, what: string): Promise<RowFile> {
  const [heading = [], ...records] = csvParseRows(await readText(path, what));
  const where = (number: number) => `${path}:${number}`;
  let line = 1 + linesOf(heading);
  const rows = records.flatMap((record): SourceRow[] => {
    const number = line;
    line += linesOf(record);
    if (record.length === 1 && record[0].trim() === "") return [];
    if (record.length === heading.length) {
      return [{ number, row: Object.fromEntries(heading.map((name, i) => [name, record[i]])) }];
    }
    const message = `Expected ${heading.length} fields, as the heading has, but found ` +
      `${record.length}.`;
    return [{ number, problem: { message } }];
  });
  if (rows.length > 0) return { path, rows, where };
  throw new InputError([{ path, message: `Expected ${what} below a heading but found none.` }]);
}

/** Lines of text that a record takes: quoted fields may have ends of lines in them. */
function linesOf(record: readonly string[]): number {
  return record.reduce((sum, field) => sum + field.split("\n").length - 1, 1);
}
