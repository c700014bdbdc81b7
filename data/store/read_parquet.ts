import {
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBStructValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import { InputError } from "../../core/problem.ts";
import { columnProblem, MOST_ROW_BYTES, PAIR_COLUMNS } from "../sources/preference_row.ts";
import { type SourceRow, tooLarge } from "../sources/source_row.ts";

/**
 * Streams the rows of a Parquet file, the columns of a pair alone; memory holds one batch of 2,048.
 * Lists and structs become arrays and records.
 *
 * @throws InputError when the file is damaged (naming the last rows that could be read), or when its
 * columns can hold no pairs
 */
export async function* readParquetRows(path: string): AsyncGenerator<SourceRow> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: "1",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  let number = 0;
  try {
    const connection = await instance.connect();
    try {
      const columns = await checkColumns(connection, path);
      const names = columns.map(quoted).join(", ");
      const result = await connection.stream(
        `SELECT ${names} FROM read_parquet(${literal(exact(path))})`,
      );
      for (
        let chunk = await result.fetchChunk();
        chunk?.rowCount;
        chunk = await result.fetchChunk()
      ) {
        for (const values of chunk.getRows()) {
          number++;
          const row = Object.fromEntries(columns.map((name, i) => [name, plain(values[i])]));
          const bytes = sizeOf(row);
          if (bytes > MOST_ROW_BYTES) yield { number, problem: tooLarge(bytes, MOST_ROW_BYTES) };
          else yield { number, row };
        }
      }
    } finally {
      connection.closeSync();
    }
  } catch (error) {
    throw explained(error, path, number);
  } finally {
    instance.closeSync();
  }
}

/** The columns of a pair that a file has, as it writes them. */
async function checkColumns(connection: DuckDBConnection, path: string): Promise<string[]> {
  const schema = await connection.runAndReadAll(
    `SELECT name, coalesce(num_children, 0)::INTEGER FROM parquet_schema(${literal(exact(path))})`,
  );
  const columns = topLevel(schema.getRows() as [string, number][]);
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
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(
      Object.entries(value.entries).map(([key, item]) => [key, plain(item)]),
    );
  }
  return value;
}

/** UTF-16 units of all texts in a value, no fewer than which its UTF-8 takes. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + sizeOf(item), 0);
}

/** What DuckDB says of a file, as a sentence with the place; other errors are ours. */
function explained(error: unknown, path: string, read: number): unknown {
  if (!(error instanceof Error) || error instanceof InputError) return error;
  if (
    !/^(Invalid|IO|Conversion|Serialization|Out of Memory|TProtocol|Not implemented) ?/i.test(
      error.message,
    )
  ) {
    return error;
  }
  const reason = error.message.split("\n")[0].replaceAll(path, "the file").trim().slice(0, 200);
  const message = `Expected a whole Parquet file with UTF-8 texts but found, from row ${
    read + 1
  } on: ${reason}`;
  return new InputError([{ path: `${path}:${read + 1}`, message }]);
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
