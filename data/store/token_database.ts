import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBMaterializedResult,
} from "@duckdb/node-api";
import { BATCH_ROWS } from "./token_table.ts";

/** An open database of tokens. */
export interface TokenDatabase extends AsyncDisposable {
  /** Whose statements are about this database. */
  readonly connection: DuckDBConnection;
}

/** DuckDB and a connection to it. */
interface Session {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
}

/**
 * DuckDB that no one works with at the moment: starting it takes longer than reading a few thousand
 * pairs. It is given to one at a time, since it opens no file twice.
 */
let idle: Session | null = null;

/** How a database is attached. */
const OPTIONS = {
  read: "READ_ONLY, TYPE duckdb",
  // As `read`, by a DuckDB of its own, which ends with it and so keeps nothing that it was set to.
  unknown: "READ_ONLY, TYPE duckdb",
  // A batch fills a row group, so that none is ever written again.
  write: `TYPE duckdb, ROW_GROUP_SIZE ${BATCH_ROWS}`,
} as const;

/**
 * Opens a database file, or makes one where there is none and it is to be written.
 *
 * @param sql statements to begin with: all are one message to DuckDB, as the opening is, which costs
 * less than one each
 * @returns beside the database, what the last of those statements gave
 * @throws Error in DuckDB's words when it cannot, or when a statement fails
 */
export async function openDatabase(
  path: string,
  mode: keyof typeof OPTIONS,
  sql: readonly string[],
): Promise<TokenDatabase & { readonly result: DuckDBMaterializedResult }> {
  const session = mode === "unknown" ? await start() : await take();
  const attach = `ATTACH '${path.replaceAll("'", "''")}' AS tokens (${OPTIONS[mode]})`;
  try {
    const result = await session.connection.run([attach, "USE tokens", ...sql].join("; "));
    const { connection } = session;
    const dispose = async () => mode === "unknown" ? end(session) : await giveBack(session);
    return { connection, result, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    end(session);
    throw error;
  }
}

async function take(): Promise<Session> {
  const session = idle ?? start();
  idle = null;
  return await session;
}

async function start(): Promise<Session> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  return { instance, connection: await instance.connect() };
}

/** Lets go of the file; what DuckDB cannot go on with after an error ends here. */
async function giveBack(session: Session): Promise<void> {
  const detach = session.connection.run("USE memory; DETACH tokens");
  const free = await detach.then(() => true, () => false);
  if (free && idle === null) idle = session;
  else end(session);
}

function end({ instance, connection }: Session): void {
  connection.closeSync();
  instance.closeSync();
}
