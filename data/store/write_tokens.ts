import {
  BLOB,
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBValue,
  INTEGER,
} from "@duckdb/node-api";
import type { TokenizedRow } from "../tokenize.ts";
import { type BatchEncoder, batchEncoder } from "./arrow_batch.ts";
import { openDatabase } from "./token_database.ts";
import {
  BATCH_ROWS,
  COLUMNS,
  FORMAT,
  SCHEMA_SQL,
  type TokenFacts,
  TOKENS_FILE,
} from "./token_table.ts";

/** What `writeTokens` is given. */
export interface WriteTokens {
  /** The folder that gets `tokens.duckdb`; it must hold none yet. */
  readonly folder: string;
  readonly facts: TokenFacts;
  readonly rows: Iterable<TokenizedRow> | AsyncIterable<TokenizedRow>;
  /** Told after each batch how many rows are written. */
  readonly onProgress?: (rows: number) => void;
}

/**
 * Writes tokenized pairs into a DuckDB file, batch by batch: memory holds one batch of 2,048 pairs,
 * whatever the number of rows. The file is complete, with no log beside it, when this returns.
 *
 * @returns the number of pairs
 */
export async function writeTokens(options: WriteTokens): Promise<number> {
  await using database = await openDatabase(
    `${options.folder}/${TOKENS_FILE}`,
    "write",
    SCHEMA_SQL,
  );
  const { connection } = database;
  await connection.run("INSERT INTO facts VALUES ($1, $2)", [
    FORMAT,
    JSON.stringify(options.facts),
  ]);
  const count = await writeRows(connection, options);
  await connection.run("CHECKPOINT");
  return count;
}

async function writeRows(connection: DuckDBConnection, options: WriteTokens): Promise<number> {
  const appender = await connection.createAppender("rows");
  const encode = batchEncoder(options.facts.vocabSize);
  let count = 0;
  const write = (rows: readonly TokenizedRow[]) => {
    appender.appendDataChunk(chunkOf(rows, count, encode));
    appender.flushSync();
    count += rows.length;
    options.onProgress?.(count);
  };
  let batch: TokenizedRow[] = [];
  for await (const row of options.rows) {
    batch.push(row);
    if (batch.length < BATCH_ROWS) continue;
    write(batch);
    batch = [];
  }
  if (batch.length > 0) write(batch);
  appender.closeSync();
  return count;
}

const TYPES = [...COLUMNS.map(({ type }) => type), INTEGER, BLOB];

/** A batch as columns of the table; `first` is the number of its first row. */
function chunkOf(
  rows: readonly TokenizedRow[],
  first: number,
  encode: BatchEncoder,
): DuckDBDataChunk {
  const columns = COLUMNS.map(({ value }) => rows.map((row, i) => value(row, first + i)));
  const inLastRow = (value: DuckDBValue) =>
    rows.map((_, i) => i === rows.length - 1 ? value : null);
  const chunk = DuckDBDataChunk.create(TYPES, rows.length);
  chunk.setColumns([
    ...columns,
    inLastRow(rows.length),
    inLastRow(new DuckDBBlobValue(encode(rows))),
  ]);
  return chunk;
}
