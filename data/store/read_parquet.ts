import {
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBStructValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import { InputError } from "../../core/problem.ts";
import { columnProblem, MOST_ROW_BYTES, PAIR_COLUMNS } from "../sources/preference_row.ts";
import { MOST_LEVELS, schemaLevels } from "./parquet_schema.ts";
import { type SourceRow, tooLarge } from "../sources/source_row.ts";

/** What DuckDB may take to unpack pages, most of which hold about a megabyte: a small file can ask for any. */
const MOST_MEMORY = "1GiB";

/** Rows that DuckDB gives at once, and the bytes of their texts at most. */
const BATCH = 2_048;
const MOST_BATCH_BYTES = 2 ** 30;

/** A Parquet file that holds pairs, by its own account. */
interface Table {
  readonly path: string;
  /** The columns of a pair that it has. */
  readonly columns: readonly string[];
  readonly allColumns: readonly string[];
  readonly rows: number;
}

/**
 * Streams the rows of a Parquet file, the columns of a pair alone; memory holds one batch of 2,048.
 * Lists and structs become arrays and records.
 *
 * @throws InputError when the file is damaged (naming the first row that cannot be read), or when its
 * columns can hold no pairs
 */
export async function* readParquetRows(path: string): AsyncGenerator<SourceRow> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: "1",
    memory_limit: MOST_MEMORY,
    max_temp_directory_size: "0B",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  try {
    const connection = await instance.connect();
    try {
      const table = await openTable(connection, path);
      await requireBounded(connection, table);
      yield* streamRows(connection, table);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/**
 * A batch is copied text by text, so that one text of a dictionary, in thousands of rows, would fill the memory.
 * What cannot be read is left to the reading, which names the row.
 *
 * @throws InputError naming the rows of a batch that would take more than `MOST_BATCH_BYTES`
 */
async function requireBounded(connection: DuckDBConnection, { path, columns }: Table) {
  const file = literal(exact(path));
  try {
    const described = await connection.runAndReadAll(
      `DESCRIBE SELECT * FROM read_parquet(${file})`,
    );
    const texts = described.getRows().filter(([, type]) => type === "VARCHAR").map(([name]) =>
      name
    );
    const counted = columns.filter((name) => texts.includes(name));
    if (counted.length === 0) return; // messages are copied within DuckDB's own bound
    const bytes = counted.map((name) => `coalesce(strlen(${quoted(name)}), 0)`).join(" + ");
    const found = await connection.runAndReadAll(
      `SELECT file_row_number // ${BATCH} AS batch, sum(${bytes})::DOUBLE AS bytes ` +
        `FROM read_parquet(${file}, file_row_number = true) GROUP BY batch ` +
        `HAVING bytes > ${MOST_BATCH_BYTES} ORDER BY batch LIMIT 1`,
    );
    for (const [batch, bytes] of found.getRows()) {
      const row = Number(batch) * BATCH + 1;
      const message = `Expected ${BATCH} rows to hold at most ${MOST_BATCH_BYTES} bytes of text ` +
        `but found ${bytes} in those from row ${row} on.`;
      throw new InputError([{ path: `${path}:${row}`, message }]);
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
}

async function* streamRows(
  connection: DuckDBConnection,
  table: Table,
): AsyncGenerator<SourceRow> {
  const { path, columns, allColumns, rows } = table;
  let number = 0;
  try {
    const names = columns.map(quoted).join(", ");
    const result = await connection.stream(
      `SELECT ${names} FROM read_parquet(${literal(exact(path))})`,
    );
    for (
      let chunk = await result.fetchChunk();
      chunk?.rowCount;
      chunk = await result.fetchChunk()
    ) {
      for (let i = 0; i < chunk.rowCount; i++) {
        // Row by row: all of a batch may be one text of a dictionary, of which each would be a copy.
        const values = chunk.getRowValues(i);
        number++;
        const row = Object.fromEntries(columns.map((name, i) => [name, plain(values[i])]));
        const bytes = sizeOf(row);
        if (bytes > MOST_ROW_BYTES) yield { number, problem: tooLarge(bytes, MOST_ROW_BYTES) };
        else yield { number, row, columns: allColumns };
      }
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw await damaged(connection, table, number);
  }
  // At a page that cannot be read, the stream may end as if the file did.
  if (number < rows) throw await damaged(connection, table, number);
}

async function openTable(connection: DuckDBConnection, path: string): Promise<Table> {
  const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const file = literal(exact(path));
  await requireShallow(path);
  try {
    const schema = await ask(
      `SELECT name, coalesce(num_children, 0)::INTEGER FROM parquet_schema(${file})`,
    );
    const allColumns = topLevel(schema as [string, number][]);
    const columns = pairColumns(allColumns, path);
    const [[rows]] = await ask(`SELECT num_rows::DOUBLE FROM parquet_file_metadata(${file})`);
    return { path, columns, allColumns, rows: rows as number };
  } catch (error) {
    throw isDamage(error) ? explained(path, 1, error.message) : error;
  }
}

/** @throws InputError when columns lie in one another deeper than DuckDB could go down them */
async function requireShallow(path: string): Promise<void> {
  let levels: number;
  try {
    levels = await schemaLevels(path);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw explained(path, 1, error.message);
  }
  if (levels <= MOST_LEVELS) return;
  const message = `Expected columns at most ${MOST_LEVELS} levels deep but found ${levels}.`;
  throw new InputError([{ path, message }]);
}

/** The columns of a pair among those of a file. */
function pairColumns(columns: readonly string[], path: string): string[] {
  const twice = PAIR_COLUMNS.find((name) =>
    columns.filter((column) => column.toLowerCase() === name).length > 1
  );
  if (twice !== undefined) {
    const message = `Expected each column once but found ${columns.join(", ")}: ${twice} twice.`;
    throw new InputError([{ path, message }]);
  }
  const wrong = columnProblem(columns);
  if (wrong !== null) throw new InputError([{ path, ...wrong }]);
  return PAIR_COLUMNS.filter((name) => columns.includes(name));
}

/** Names of the root's children; elements stand in the order of a walk, each before its own. */
function topLevel(elements: readonly (readonly [string, number])[]): string[] {
  const names: string[] = [];
  let open = 0;
  for (const [name, children] of elements.slice(1)) {
    if (open === 0) names.push(name);
    else open--;
    open += children;
  }
  return names;
}

function plain(value: DuckDBValue): unknown {
  // A column of bytes that nobody called texts, as some writers leave them.
  if (value instanceof DuckDBBlobValue) return value.bytes;
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(
      Object.entries(value.entries).map(([key, item]) => [key, plain(item)]),
    );
  }
  return value;
}

/** UTF-16 units of all texts in a value, no fewer than which its UTF-8 takes; bytes of what is bytes. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + sizeOf(item), 0);
}

/** Whether DuckDB says this of a file, and not of what we ask. */
function isDamage(error: unknown): error is Error {
  return error instanceof Error &&
    /^(Invalid|IO|Conversion|Serialization|Out of (Memory|Range)|TProtocol|Not implemented) ?/i
      .test(
        error.message,
      );
}

/** The error for a file of which so many rows could be read, with the first row that cannot. */
async function damaged(
  connection: DuckDBConnection,
  { path, columns, rows }: Table,
  read: number,
): Promise<InputError> {
  const list = columns.map(quoted).join(", ");
  const failure = async (begin: number, end: number): Promise<string | null> => {
    try {
      await connection.run(
        `SELECT bit_xor(hash(${list})) FROM read_parquet(${literal(exact(path))}, ` +
          `file_row_number = true) WHERE file_row_number >= ${begin} AND file_row_number < ${end}`,
      );
      return null;
    } catch (error) {
      if (isDamage(error)) return error.message;
      throw error;
    }
  };
  // Rows before `begin` can be read, those from there to `end` cannot; first the end is found.
  let [begin, end] = [read, Math.min(read + 1, rows)];
  while (end < rows && await failure(begin, end) === null) {
    [begin, end] = [end, Math.min(end + 2 * (end - read), rows)];
  }
  while (end - begin > 1) {
    const middle = (begin + end) >> 1;
    if (await failure(begin, middle) === null) begin = middle;
    else end = middle;
  }
  const reason = await failure(begin, end);
  return explained(path, begin + 1, reason ?? `${read} of the ${rows} rows that it should hold`);
}

/** What DuckDB says of a file, as a sentence with the place. */
function explained(path: string, row: number, said: string): InputError {
  const reason = said.split("\n")[0].replaceAll(path, "the file").trim().slice(0, 200);
  const message =
    `Expected a whole Parquet file with UTF-8 texts but found, from row ${row} on: ${reason}`;
  return new InputError([{ path: `${path}:${row}`, message }]);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A path as a pattern that matches it alone. */
function exact(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
