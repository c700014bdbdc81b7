import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { BATCH_ROWS } from "./token_table.ts";

/** An open database of tokens. */
export interface TokenDatabase extends AsyncDisposable {
  /** Whose statements are about this database. */
  readonly connection: DuckDBConnection;
}

/**
 * DuckDB that no one works with at the moment: starting it takes longer than reading a few thousand
 * pairs. It is given to one at a time, since it opens no file twice.
 */
let idle: DuckDBInstance | null = null;

/** How a database is attached. */
const OPTIONS = {
  read: "READ_ONLY, TYPE duckdb",
  // A batch fills a row group, so that none is ever written again.
  write: `TYPE duckdb, ROW_GROUP_SIZE ${BATCH_ROWS}`,
} as const;

/**
 * Opens a database file, or makes one where there is none and it is to be written.
 *
 * @throws Error in DuckDB's words when it cannot
 */
export async function openDatabase(
  path: string,
  mode: keyof typeof OPTIONS,
): Promise<TokenDatabase> {
  const waiting = idle;
  idle = null;
  const instance = waiting ?? await DuckDBInstance.create(":memory:", { threads: "1" });
  try {
    const connection = await instance.connect();
    await connection.run(`ATTACH '${path.replaceAll("'", "''")}' AS tokens (${OPTIONS[mode]})`);
    await connection.run("USE tokens");
    return { connection, [Symbol.asyncDispose]: () => close(instance, connection) };
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}

/** Lets go of the file; what DuckDB cannot go on with after an error ends here. */
async function close(instance: DuckDBInstance, connection: DuckDBConnection): Promise<void> {
  const free = await connection.run("USE memory; DETACH tokens").then(() => true, () => false);
  connection.closeSync();
  if (free && idle === null) idle = instance;
  else instance.closeSync();
}
