import type { DuckDBMaterializedResult } from "@duckdb/node-api";
import { SCHEMA_SQL } from "./token_table.ts";

/**
 * Statements to open a database of unknown origin with: they let DuckDB open no other file, and ask for the
 * definitions of its tables and of this project's, for `requireOwnTables`. Nothing in the database itself is
 * run. The functions are named in full, since it can define others of their names.
 */
export const OWN_TABLES_SQL: readonly string[] = [
  "ATTACH ':memory:' AS own",
  "USE own",
  ...SCHEMA_SQL,
  "USE tokens",
  "SET enable_external_access = false",
  "SELECT database_name, table_name, sql FROM system.main.duckdb_tables() WHERE schema_name = 'main'",
];

/**
 * Requires of what those statements gave that the tables which are read are tables, with this project's
 * columns: a view or a computed column of the same name could read any file, and need not end.
 *
 * @throws Error naming the first that is not
 */
export async function requireOwnTables(result: DuckDBMaterializedResult): Promise<void> {
  const rows = await result.getRows();
  const found = new Map(rows.map(([database, table, sql]) => [`${database}.${table}`, sql]));
  for (const [database, table, sql] of rows) {
    if (database === "own" && found.get(`tokens.${table}`) !== sql) {
      throw new Error(`no table ${table} of this project's columns`);
    }
  }
}
