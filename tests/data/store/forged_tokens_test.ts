import { BLOB, blobValue, DuckDBInstance } from "@duckdb/node-api";
import {
  type Data,
  Field,
  List,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  tableFromArrays,
  tableToIPC,
  Uint16,
  Utf8,
} from "apache-arrow";
import assert from "node:assert/strict";
import { OWN_TABLES_SQL } from "../../../data/store/own_tables.ts";
import { digestTokens, readTokens } from "../../../data/store/read_tokens.ts";
import { openUnknownDatabase } from "../../../data/store/token_database.ts";
import { COLUMNS, SCHEMA_SQL, type TokenFacts } from "../../../data/store/token_table.ts";
import { writeTokens } from "../../../data/store/write_tokens.ts";

const facts: TokenFacts = {
  maxLength: 8,
  maxPromptLength: 4,
  vocabSize: 100,
  eosId: 9,
  padId: null,
  tokenizerDigest: "def",
  templateDigest: "abc",
};

/** Values of all columns but `row`, `batch_rows` and `arrow`. */
const CONSTANTS =
  "'a', 1, 1, 1, 1, 1, 1, 'none', false, false, false, false, true, true, false, 'd', 'n'";

/** Writes one pair, then changes the database by SQL, whose `$blob` is a blob. */
async function withForged(
  statements: readonly string[],
  use: (folder: string) => Promise<unknown>,
  blob: Uint8Array = new Uint8Array(),
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/tokens.duckdb`;
  const ids = Int32Array.of(1);
  await writeTokens({
    folder,
    facts,
    rows: [{
      ...{ id: "a", prompt: ids, chosen: ids, rejected: ids, truncation: "none" },
      before: { prompt: 1, chosen: 1, rejected: 1 },
      ...{ boundaryMismatch: false, identicalText: false, chosenEmpty: false },
      ...{ rejectedEmpty: false, chosenEnded: true, rejectedEnded: true, specialInText: false },
      ...{ promptDigest: "d", promptDigestNormalised: "n" },
    }],
  });
  await runSql([...statements, "CHECKPOINT"], { path, blob });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs statements, on a file if one is named. */
async function runSql(
  statements: readonly string[],
  { path = ":memory:", blob }: { path?: string; blob: Uint8Array },
): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  for (const sql of statements) {
    if (sql.includes("$blob")) await connection.run(sql, { blob: blobValue(blob) }, { blob: BLOB });
    else await connection.run(sql);
  }
  connection.closeSync();
  instance.closeSync();
}

const refused = (read: (folder: string) => Promise<unknown>, found: RegExp) => (folder: string) =>
  assert.rejects(read(folder), (error: Error) => {
    assert.equal(error.name, "InputError");
    assert.match(
      error.message,
      /tokens\.duckdb: Expected a database of tokenized pairs \(format 2\)/,
    );
    assert.match(error.message, found);
    return true;
  });

const FOREIGN_ROWS = "DROP VIEW pairs; DROP VIEW batches; DROP TABLE rows";
/** Would read on for ever, or another file, if it were asked for anything. */
const ENDLESS = `CREATE VIEW rows AS SELECT range AS row, ${
  COLUMNS.slice(1).map(({ name }) => `'' AS ${name}`).join(", ")
}, 1 AS batch_rows, (SELECT content FROM read_blob('/etc/hostname')) AS arrow
  FROM range(1000000000000)`;
const FOREIGN_DATABASES: Readonly<Record<string, readonly string[]>> = {
  "a view in place of rows": [FOREIGN_ROWS, ENDLESS],
  "a view in place of facts": [
    "DROP TABLE facts",
    "CREATE VIEW facts AS SELECT 2 AS format, content AS facts FROM read_text('/etc/hostname')",
  ],
  "a computed column": [
    FOREIGN_ROWS,
    `CREATE TABLE rows (row INTEGER, ${COLUMNS.slice(1).map(({ name }) => `${name} VARCHAR`)},
      batch_rows INTEGER, arrow BLOB GENERATED ALWAYS AS (repeat('a', 4000000000)::BLOB) VIRTUAL)`,
  ],
  "functions named as those that are asked": [
    FOREIGN_ROWS,
    ENDLESS,
    "CREATE MACRO duckdb_tables() AS TABLE SELECT 'tokens' AS database_name, 'main' AS schema_name, " +
    "table_name, sql FROM system.main.duckdb_tables()",
  ],
  "a table less": [FOREIGN_ROWS],
};

for (const [what, statements] of Object.entries(FOREIGN_DATABASES)) {
  Deno.test(`digestTokens() runs nothing of a database with ${what}`, async () => {
    await withForged(
      statements,
      refused(digestTokens, /found: no table (rows|facts) of this project's columns/),
    );
  });
}

Deno.test("digestTokens() runs no log that lies beside the database, nor is stopped by other files", async () => {
  await withForged([], async (folder) => {
    const digest = await digestTokens(folder);
    const path = `${folder}/tokens.duckdb`;
    // DuckDB replays the log, and so computes the default, when it attaches the file, to read it alone as well.
    await runSql([
      "PRAGMA disable_checkpoint_on_shutdown",
      "CREATE TABLE more AS SELECT 1 AS a",
      "ALTER TABLE more ADD COLUMN b BIGINT DEFAULT (epoch(now()))",
    ], { path, blob: new Uint8Array() });
    assert.ok((await Deno.stat(`${path}.wal`)).size > 0);
    await refused(digestTokens, /found: "tokens\.duckdb\.wal" beside it$/)(folder);
    await Deno.remove(`${path}.wal`);
    assert.equal(await digestTokens(folder), digest);
    await Deno.writeTextFile(`${folder}/artifact.json`, "{}"); // as every object has
    assert.equal(await digestTokens(folder), digest);
  });
});

Deno.test("a database of unknown origin is attached by a DuckDB that is bounded", async () => {
  await withForged([], async (folder) => {
    const path = `${folder}/tokens.duckdb`;
    const { size } = await Deno.stat(path);
    await using database = await openUnknownDatabase(path, size, OWN_TABLES_SQL);
    const [settings] = (await database.connection.runAndReadAll(
      "SELECT current_setting('memory_limit'), current_setting('threads'), " +
        "current_setting('autoload_known_extensions'), current_setting('enable_external_access')",
    )).getRows();
    assert.match(String(settings[0]), /^25[6-9]\.\d MiB$/);
    assert.deepEqual(settings.slice(1), [1n, false, false]);
  });
});

Deno.test("digestTokens() goes no further than rows have batches", async () => {
  await withForged([
    `INSERT INTO rows SELECT 1, ${CONSTANTS}, NULL, NULL FROM range(500000)`,
  ], refused(digestTokens, /found: 2048 rows without a batch/));
});

Deno.test("digestTokens() refuses batches that take more bytes than their file", async () => {
  const rows = 2048;
  const blob = batchOf({ rows, prompts: ids(rows, 100) });
  const last = (value: string) => `CASE WHEN i % ${rows} = ${rows - 1} THEN ${value} END`;
  const folder = await Deno.makeTempDir();
  const path = `${folder}/tokens.duckdb`;
  await runSql([
    "SET force_compression = 'zstd'",
    `ATTACH '${path}' AS tokens (STORAGE_VERSION 'latest')`,
    "USE tokens",
    ...SCHEMA_SQL,
    `INSERT INTO facts VALUES (2, '${JSON.stringify(facts)}')`,
    `INSERT INTO rows SELECT i, ${CONSTANTS}, ${last(String(rows))}, ${last("$blob::BLOB")}
      FROM range(${20 * rows}) t(i)`,
    "CHECKPOINT",
  ], { blob });
  const { size } = await Deno.stat(path);
  assert.ok(size < 20 * blob.length / 2, `zstd shortens the batches to ${size} bytes`);
  await refused(digestTokens, /found: batches of over \d+ bytes in a file of as many/)(folder);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("digestTokens() refuses ids outside the vocabulary of its facts", async () => {
  await withForged([
    `UPDATE facts SET facts = replace(facts, '"vocabSize":100', '"vocabSize":1')`,
  ], refused(digestTokens, /found: id 1 of 1$/));
});

Deno.test("digestTokens() refuses facts that no set of tokens has", async () => {
  for (
    const [statement, found] of [
      ["INSERT INTO facts SELECT * FROM facts", /found: facts twice$/],
      ["DELETE FROM facts", /found: no facts$/],
      ["UPDATE facts SET facts = 'null'", /found: vocabSize undefined among its facts$/],
      ["UPDATE facts SET facts = '{}'", /found: vocabSize undefined among its facts$/],
      [`UPDATE facts SET facts = replace(facts, '"eosId":', '"eos":')`, /found: eosId undefined/],
    ] as const
  ) await withForged([statement], refused(digestTokens, found));
});

Deno.test("digestTokens() refuses a row of another pair than its batch holds", async () => {
  await withForged([`UPDATE rows SET id = 'b"'`], async (folder) => {
    await refused(digestTokens, /found: row 0 of "b\\"", which is "a" in its batch$/)(folder);
  });
});

/** A column of lists of ids, all 0; `claimed` is how long the first says to be. */
function ids(rows: number, each = 1, claimed = each) {
  const length = rows * each;
  const child = makeData({ type: new Uint16(), length, data: new Uint16Array(length) });
  const valueOffsets = Int32Array.from({ length: rows + 1 }, (_, i) => i * each);
  valueOffsets[1] = claimed;
  return makeData({
    type: new List(new Field("item", new Uint16(), false)),
    ...{ length: rows, nullCount: 0, valueOffsets, child },
  });
}

function batchOf(
  { rows, prompts, length = rows }: { rows: number; prompts: Data; length?: number },
): Uint8Array {
  const valueOffsets = Int32Array.from({ length: rows + 1 }, (_, i) => i);
  const data = new Uint8Array(rows).fill(97);
  const names = makeData({ type: new Utf8(), length: rows, nullCount: 0, valueOffsets, data });
  const children = [names, prompts, ids(rows), ids(rows)];
  const fields = ["id", "prompt", "chosen", "rejected"].map((name, i) =>
    new Field(name, children[i].type, true)
  );
  const struct = makeData({ type: new Struct(fields), length, nullCount: 0, children });
  const writer = new RecordBatchStreamWriter();
  writer.write(new RecordBatch(new Schema(fields), struct));
  writer.finish();
  return writer.toUint8Array(true);
}

const nulls = makeData({
  type: new List(new Field("item", new Uint16(), false)),
  ...{ length: 1, nullCount: 1, nullBitmap: new Uint8Array(1), valueOffsets: new Int32Array(2) },
  child: makeData({ type: new Uint16(), length: 0, data: new Uint16Array() }),
});

const FORGED_BATCHES: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  "no batch": [new Uint8Array(), /a batch of nothing/],
  "no Arrow": [new TextEncoder().encode("no batch ".repeat(99)), /./],
  "other columns": [
    tableToIPC(tableFromArrays({ x: Int32Array.of(1) })),
    /a batch of Schema<\{ 0: x/,
  ],
  "more pairs than rows": [
    batchOf({ rows: 1, prompts: ids(1), length: 1_000_000 }),
    /a batch of 1000000 pairs for 1 rows/,
  ],
  "lists that end beyond its ids": [
    batchOf({ rows: 1, prompts: ids(1, 1, 1_000_000_000) }),
    /a batch with a value at 0 to 1000000000 of \d+/,
  ],
  "a null for a prompt": [batchOf({ rows: 1, prompts: nulls }), /a batch without a prompt/],
};

for (const [what, [blob, found]] of Object.entries(FORGED_BATCHES)) {
  Deno.test(`tokens with ${what} in a batch are refused`, async () => {
    await withForged(["UPDATE rows SET arrow = $blob"], async (folder) => {
      await refused(readTokens, found)(folder);
      await refused(digestTokens, found)(folder);
    }, blob);
  });
}
