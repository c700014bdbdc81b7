import { InputError, type Problem } from "../../core/problem.ts";
import type { PreferencePair } from "../pair.ts";
import { readJsonRows } from "./json_rows.ts";
import { KNOWN_SHAPES, parsePreferenceRow } from "./preference_row.ts";
import { checkFile } from "./source_file.ts";
import type { SourceRow } from "./source_row.ts";

/** Problems named in one message. */
const MOST_PROBLEMS = 20;

/** How to read a file of pairs. */
export interface ReadPreferenceRows {
  /** Rows to take from the start of the file; all of them when absent. */
  readonly limit?: number;
  /**
   * Told of each row that is no pair, under its id, which is then left out instead of refused; it counts
   * towards `limit`. A file without any good row is refused all the same.
   */
  readonly onBadRow?: (row: Problem) => void;
}

/**
 * Streams the preference pairs of a file: a table (`.parquet`), or one JSON object a line (any other
 * name; `.gz` is unpacked), in a shape that `parsePreferenceRow` knows. Ids are the file's name
 * (without `.gz`) and the line or row, from 1: `train_prefs.jsonl:17`. Blank lines are skipped.
 *
 * Good rows come out as they are met; what is wrong is thrown together at the end of the file, so
 * whoever consumes the rows must not call them done before.
 *
 * @throws InputError naming up to 20 bad rows (no UTF-8, no JSON, larger than 16 MiB, a shape that is
 * not known) and how many more there are; or that the file is missing, empty, damaged or of another kind
 */
export async function* readPreferenceRows(
  path: string,
  options: ReadPreferenceRows = {},
): AsyncGenerator<PreferencePair> {
  const { limit = Infinity, onBadRow } = options;
  const kind = await checkFile(path);
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.gz$/, "");
  const problems: Problem[] = [];
  let more = 0;
  let rows = 0;
  let good = 0;
  const report = (problem: Problem) => {
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
    else more++;
  };
  for await (const source of kind === "parquet" ? tableRows(path) : readJsonRows(path)) {
    if (rows >= limit) break;
    rows++;
    const { number } = source;
    const pair = "problem" in source
      ? source.problem
      : parsePreferenceRow(source.row, source.columns);
    const id = `${name}:${number}`;
    if ("message" in pair) {
      report({ path: `${path}:${number}`, ...pair });
      onBadRow?.({ path: id, ...pair });
      continue;
    }
    good++;
    if (problems.length === 0 || onBadRow !== undefined) yield { id, ...pair };
  }
  if (good > 0 && onBadRow !== undefined) return;
  if (rows === 0) {
    report({ path, message: `Expected rows ${KNOWN_SHAPES}, but found none.` });
  }
  if (more > 0) problems.push({ path, message: `${more} more rows are bad.` });
  if (problems.length > 0) throw new InputError(problems);
}

/**
 * The pairs of several files as one stream, in order; `limit` counts over all of them.
 *
 * @throws InputError as `readPreferenceRows`, for the first file that has problems
 */
export async function* readPreferenceFiles(
  paths: readonly string[],
  { limit = Infinity, onBadRow }: ReadPreferenceRows = {},
): AsyncGenerator<PreferencePair> {
  let left = limit;
  const passOver = onBadRow && ((row: Problem) => {
    left--;
    onBadRow(row);
  });
  for (const path of paths) {
    if (left <= 0) return;
    for await (const pair of readPreferenceRows(path, { limit: left, onBadRow: passOver })) {
      left--;
      yield pair;
    }
  }
}

/** Loads DuckDB only where there is a table to read. */
async function* tableRows(path: string): AsyncGenerator<SourceRow> {
  const { readParquetRows } = await import("../store/read_parquet.ts");
  yield* readParquetRows(path);
}
