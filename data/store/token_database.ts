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
  // A batch fills a row group, so that none is ever written again.
  write: `TYPE duckdb, ROW_GROUP_SIZE ${BATCH_ROWS}`,
} as const;

/** Memory that DuckDB may take beside twice the size of a file of unknown origin. */
const MEMORY_MIB = 256;

/** A database and what the last of the statements gave that it was opened with. */
export type OpenedDatabase = TokenDatabase & { readonly result: DuckDBMaterializedResult };

/**
 * Opens a database file, or makes one where there is none and it is to be written.
 *
 * @param sql statements to begin with: all are one message to DuckDB, as the opening is, which costs
 * less than one each
 * @throws Error in DuckDB's words when it cannot, or when a statement fails
 */
export async function openDatabase(
  path: string,
  mode: keyof typeof OPTIONS,
  sql: readonly string[],
): Promise<OpenedDatabase> {
  const session = await take();
  return await attach(session, {
    ...{ path, mode, sql },
    close: () => giveBack(session),
  });
}

/**
 * As `openDatabase`, to read a file of unknown origin: by a DuckDB of its own, which ends with it and so keeps
 * nothing that it was set to, and which is bounded before it sees the file.
 *
 * @param bytes the size of the file, to which the memory is in proportion
 */
export async function openUnknownDatabase(
  path: string,
  bytes: number,
  sql: readonly string[],
): Promise<OpenedDatabase> {
  const session = await start({
    memory_limit: `${Math.ceil(2 * bytes / 2 ** 20) + MEMORY_MIB}MiB`,
    max_temp_directory_size: "0B",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  return await attach(session, {
    ...{ path, mode: "read", sql },
    close: () => Promise.resolve(end(session)),
  });
}

interface Attachment {
  readonly path: string;
  readonly mode: keyof typeof OPTIONS;
  readonly sql: readonly string[];
  close(): Promise<void>;
}

async function attach(
  session: Session,
  { path, mode, sql, close }: Attachment,
): Promise<OpenedDatabase> {
  const { connection } = session;
  const statement = `ATTACH '${path.replaceAll("'", "''")}' AS tokens (${OPTIONS[mode]})`;
  try {
    const result = await connection.run([statement, "USE tokens", ...sql].join("; "));
    return { connection, result, [Symbol.asyncDispose]: close };
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

async function start(settings: Readonly<Record<string, string>> = {}): Promise<Session> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1", ...settings });
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
