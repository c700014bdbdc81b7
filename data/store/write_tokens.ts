import { type DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";
import type { TokenizedRow } from "../tokenize.ts";
import { encodeBatch } from "./arrow_batch.ts";
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
  const instance = await DuckDBInstance.create(`${options.folder}/${TOKENS_FILE}`, {
    threads: "1",
  });
  try {
    const connection = await instance.connect();
    try {
      for (const statement of SCHEMA_SQL) await connection.run(statement);
      await connection.run("INSERT INTO facts VALUES ($1, $2)", [
        FORMAT,
        JSON.stringify(options.facts),
      ]);
      const count = await writeRows(connection, options);
      await connection.run("CHECKPOINT");
      return count;
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

async function writeRows(connection: DuckDBConnection, options: WriteTokens): Promise<number> {
  const pairs = await connection.createAppender("pairs");
  const batches = await connection.createAppender("batches");
  const types = COLUMNS.map((column) => column.type);
  let count = 0;
  const write = (rows: readonly TokenizedRow[]) => {
    const chunk = DuckDBDataChunk.create(types, rows.length);
    chunk.setColumns(
      COLUMNS.map((column) => rows.map((row, i) => column.value(row, count + i))),
    );
    pairs.appendDataChunk(chunk);
    batches.appendInteger(count);
    batches.appendInteger(rows.length);
    batches.appendBlob(encodeBatch(rows));
    batches.endRow();
    pairs.flushSync();
    batches.flushSync();
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
  pairs.closeSync();
  batches.closeSync();
  return count;
}
