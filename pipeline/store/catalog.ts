import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance, DuckDBTimestampValue } from "@duckdb/node-api";
import type { Json } from "../../core/json.ts";
import { ExpectedError } from "../../core/problem.ts";
import {
  type CatalogTable,
  type Cell,
  KEY_TABLES,
  keyRows,
  OBJECT_TABLE,
  objectRows,
  RUN_TABLES,
  runRows,
  VIEWS,
} from "./catalog_tables.ts";
import { withFileLock } from "./store_lock.ts";
import { removeTree, type Store } from "./store.ts";
import { explainFailure, isMissing, naming, syncPath } from "../../core/write_atomically.ts";

/** The layout of the catalog; one of another layout is made anew. */
const CATALOG_FORMAT = 3;

/** Where a store's catalog lies: an index that can always be made again, open to SQL. */
export function catalogPath(store: Store): string {
  return join(store.path, "catalog.duckdb");
}

/** Makes the catalog from nothing but keys, objects, runs and events. */
export async function rebuildCatalog(store: Store): Promise<void> {
  await replaceCatalog(store, (building) => buildOrExplain(store, building));
}

/**
 * Brings the catalog up to date: keys, objects and runs that were not in it, and keys whose files have
 * changed; what is gone goes. Objects that it holds, and runs that it holds as ended, are not read again:
 * a store of very many artifacts must not be read whole after each run.
 *
 * Nobody keeps the catalog open: it is written as a temporary file, which then takes its name, so that
 * readers see the old one or the new.
 */
export async function updateCatalog(store: Store): Promise<void> {
  await replaceCatalog(store, async (building) => {
    try {
      await Deno.copyFile(catalogPath(store), building);
      await build(store, building);
    } catch { // absent, damaged or of another layout
      await removeDatabase(building);
      await buildOrExplain(store, building);
    }
  });
}

/**
 * Answers an SQL query from the catalog, brought up to date first. The query reads only, and no file but
 * the catalog.
 *
 * @returns rows by column name; times as ISO 8601 in UTC
 * @throws ExpectedError when the store is empty, or with DuckDB's message when the query is wrong
 */
export async function queryCatalog(store: Store, sql: string): Promise<Record<string, Json>[]> {
  if (!store.exists()) {
    throw new ExpectedError(`${store.path} is empty: nothing was run there yet.`);
  }
  await updateCatalog(store);
  const database = await DuckDBInstance.create(catalogPath(store), {
    access_mode: "READ_ONLY",
    enable_external_access: "false",
  });
  const connection = await database.connect();
  try {
    const result = await connection.runAndReadAll(sql);
    return result.getRowObjectsJS().map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toJson(value)]))
    );
  } catch (error) {
    throw new ExpectedError(error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

/** Runs one writer at a time; a writer that was killed frees its lock and leaves only its temporary file. */
async function replaceCatalog(
  store: Store,
  write: (building: string) => Promise<void>,
): Promise<void> {
  if (!store.exists()) return;
  const path = catalogPath(store);
  const building = `${path}.building`;
  await naming(path, async () => {
    await withFileLock(`${path}.lock`, async () => {
      await removeDatabase(building);
      try {
        await write(building);
        await syncPath(building);
        await Deno.rename(building, path);
      } catch (error) {
        await removeDatabase(building);
        throw error;
      }
    });
  });
}

async function removeDatabase(path: string): Promise<void> {
  await removeTree(path);
  await removeTree(`${path}.wal`);
}

/** @throws ExpectedError saying that the disk is full, or with DuckDB's message */
async function buildOrExplain(store: Store, path: string): Promise<void> {
  try {
    await build(store, path);
  } catch (thrown) {
    const error = explainFailure(thrown, catalogPath(store));
    if (error instanceof ExpectedError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ExpectedError(`Cannot write ${catalogPath(store)}: ${message}`, { cause: error });
  }
}

async function build(store: Store, path: string): Promise<void> {
  const database = await DuckDBInstance.create(path);
  const connection = await database.connect();
  try {
    await connection.run("BEGIN");
    const known = await prepareTables(connection);
    await indexKeys(connection, store);
    await indexObjects(connection, store);
    for (const run of store.listRuns().filter((id) => !known.has(id))) {
      const rows = runRows(store, run);
      for (const [i, table] of RUN_TABLES.entries()) await append(connection, table, rows[i]);
    }
    for (const view of VIEWS) await connection.run(view);
    await connection.run("COMMIT");
    await connection.run("CHECKPOINT");
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

/** Makes the tables where they are not, empties those to be filled anew, and gives the runs to keep. */
async function prepareTables(connection: DuckDBConnection): Promise<Set<string>> {
  await connection.run("CREATE TABLE IF NOT EXISTS format (version INTEGER)");
  const versions = (await connection.runAndReadAll("SELECT version FROM format")).getRows();
  if (versions.length === 0) await connection.run(`INSERT INTO format VALUES (${CATALOG_FORMAT})`);
  else if (versions[0][0] !== CATALOG_FORMAT) throw new RangeError("another layout");
  for (const { name, columns } of [...KEY_TABLES, OBJECT_TABLE, ...RUN_TABLES]) {
    const list = Object.entries(columns).map(([column, type]) => `${column} ${type}`).join(", ");
    await connection.run(`CREATE TABLE IF NOT EXISTS ${name} (${list})`);
  }
  const unfinished = "SELECT run FROM runs WHERE status = 'running'";
  for (const { name } of RUN_TABLES.toReversed()) {
    await connection.run(`DELETE FROM ${name} WHERE run IN (${unfinished})`);
  }
  const known = await connection.runAndReadAll("SELECT run FROM runs");
  return new Set(known.getRows().map(([run]) => String(run)));
}

/** Rows of so many keys or objects are appended together: memory does not grow with the store. */
const BATCH = 1000;

async function indexKeys(connection: DuckDBConnection, store: Store): Promise<void> {
  const known = new Map(
    (await connection.runAndReadAll("SELECT key, changed FROM indexed_keys")).getRows()
      .map(([key, changed]) => [String(key), Number(changed)]),
  );
  const changed = new Map(store.listKeys().map((key) => [key, changeOf(store.keyPath(key))]));
  const added = [...changed].filter(([key, time]) => known.get(key) !== time);
  const outdated = [...known.keys()].filter((key) => known.get(key) !== changed.get(key));
  for (const { name } of KEY_TABLES) await remove(connection, `${name} WHERE key`, outdated);
  for (let first = 0; first < added.length; first += BATCH) {
    const rows = added.slice(first, first + BATCH).map(([key, time]) => keyRows(store, key, time));
    for (const [i, table] of KEY_TABLES.entries()) {
      await append(connection, table, rows.flatMap((each) => each[i]));
    }
  }
}

async function indexObjects(connection: DuckDBConnection, store: Store): Promise<void> {
  const { name } = OBJECT_TABLE;
  const rows = (await connection.runAndReadAll(`SELECT digest FROM ${name}`)).getRows();
  const known = new Set(rows.map(([digest]) => String(digest)));
  const present = new Set(store.listObjects());
  await remove(connection, `${name} WHERE digest`, [...known].filter((one) => !present.has(one)));
  const added = [...present].filter((digest) => !known.has(digest));
  for (let first = 0; first < added.length; first += BATCH) {
    const batch = added.slice(first, first + BATCH);
    await append(connection, OBJECT_TABLE, batch.flatMap((digest) => objectRows(store, digest)));
  }
}

/** @param from table and column, as `keys WHERE key`  @param values hex digests */
async function remove(
  connection: DuckDBConnection,
  from: string,
  values: readonly string[],
): Promise<void> {
  for (let first = 0; first < values.length; first += BATCH) {
    const list = values.slice(first, first + BATCH).map((value) => `'${value}'`).join(", ");
    await connection.run(`DELETE FROM ${from} IN (${list})`);
  }
}

/** When a file was last changed, in milliseconds since the epoch; 0 when it is gone. */
function changeOf(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function append(
  connection: DuckDBConnection,
  table: CatalogTable,
  rows: readonly Cell[][],
): Promise<void> {
  if (rows.length === 0) return;
  const types = Object.values(table.columns);
  const appender = await connection.createAppender(table.name);
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      const type = types[column];
      if (cell === null) appender.appendNull();
      else if (type === "TIMESTAMP") {
        appender.appendTimestamp(
          new DuckDBTimestampValue(BigInt(Math.round(Number(cell))) * 1000n),
        );
      } else if (type === "DOUBLE") appender.appendDouble(Number(cell));
      else if (type === "BIGINT") appender.appendBigInt(BigInt(cell));
      else appender.appendVarchar(String(cell));
    }
    appender.endRow();
  }
  appender.closeSync();
}

function toJson(value: unknown): Json {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toJson(item)]));
  }
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return (value ?? null) as Json;
}
