import type {
  DuckDBBlobVector,
  DuckDBDataChunk,
  DuckDBMaterializedResult,
  DuckDBValue,
} from "@duckdb/node-api";
import { StreamingDigest } from "../../core/digest.ts";
import { canonicalJson, isRecord } from "../../core/json.ts";
import { InputError } from "../../core/problem.ts";
import type { TokenizedPair } from "../pair.ts";
import type { TokenizedRow } from "../tokenize.ts";
import { decodeBatch, unknownId } from "./arrow_batch.ts";
import { OWN_TABLES_SQL, requireOwnTables } from "./own_tables.ts";
import { openDatabase, openUnknownDatabase, type TokenDatabase } from "./token_database.ts";
import { COLUMNS, FORMAT, pairColumns, type TokenFacts, TOKENS_FILE } from "./token_table.ts";

/**
 * All pairs of a `tokens` artifact, in order. Their arrays are views of the batches' buffers.
 *
 * @param folder holds `tokens.duckdb`, which many may read at once
 * @throws InputError when there is none, or when it is no such database
 */
export async function readTokens(folder: string): Promise<TokenizedPair[]> {
  await using database = await open(folder);
  const pairs: TokenizedPair[][] = [];
  for await (const { tokens } of readBatches(database, [])) pairs.push(tokens);
  return pairs.flat();
}

/** As `readTokens`, with all columns, holding one batch at a time. */
export async function* streamTokens(folder: string): AsyncGenerator<TokenizedRow> {
  await using database = await open(folder);
  for await (const { rows, tokens } of readBatches(database, NAMES)) {
    yield* rows.map((row, i) => ({ ...pairColumns(named(row)), ...tokens[i] }));
  }
}

const NAMES = COLUMNS.map(({ name }) => name);
const [ROW, ID] = ["row", "id"].map((name) => NAMES.indexOf(name));

function named(row: readonly DuckDBValue[]): Record<string, DuckDBValue> {
  return Object.fromEntries(NAMES.map((name, i) => [name, row[i]]));
}

/** The facts of a `tokens` artifact. */
export async function readTokenFacts(folder: string): Promise<TokenFacts> {
  await using database = await open(folder);
  return database.facts;
}

/**
 * What the size of a `tokens` artifact is told by: how many pairs it holds and how they were cut, their
 * mean lengths, the products of lengths that attention computes, the longest, and how many are nearly as
 * long. Without rejected replies, theirs are 0.
 */
export async function measureTokens(folder: string): Promise<Record<string, number>> {
  await using database = await open(folder);
  const { maxLength, maxPromptLength } = database.facts;
  const result = await database.connection.runAndReadAll(SIZES);
  const [row] = result.getRowObjects();
  const sizes = Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, Number(value ?? 0)]),
  );
  return { ...sizes, maxLength, maxPromptLength };
}

const SIZES = `
  WITH lengths AS (
    SELECT prompt_tokens::DOUBLE AS p, chosen_tokens::DOUBLE AS c,
      coalesce(rejected_tokens, 0)::DOUBLE AS r, max(p + c + r) OVER () AS most
    FROM rows
  )
  SELECT count(*) AS pairs, sum(p + c + r) AS tokens,
    avg(p) AS "promptTokens", avg(c) AS "chosenTokens", avg(r) AS "rejectedTokens",
    avg(p * p) AS "promptCells", avg(c * (p + c)) AS "chosenCells", avg(r * (p + r)) AS "rejectedCells",
    max(p + c + r) AS "longestPair", max(c + r) AS "longestReplies",
    max(p + greatest(c, r)) AS "longestSequence", max(p) AS "longestPrompt",
    max(c) AS "longestChosen", max(r) AS "longestRejected",
    count(*) FILTER (p + c + r >= 0.9 * most) AS "longPairs"
  FROM lengths`;

/**
 * Digest (hex SHA-256) of the facts, the columns and the token ids, in order; the layout of the
 * database's pages and the size of its batches do not enter.
 *
 * The folder may come from elsewhere: nothing of it is read before the database is known to have no log and
 * its tables to be this project's, and no more than it can hold.
 *
 * @throws InputError as `readTokens`, and when it holds what `writeTokens` does not write
 */
export async function digestTokens(folder: string): Promise<string> {
  await using database = await openUnknown(folder);
  const { path, facts } = database;
  const digest = new StreamingDigest();
  digest.update(canonicalJson(facts));
  for await (const { rows, tokens } of readBatches(database, NAMES)) {
    rows.forEach((row, i) => {
      requireSameId(path, row, tokens[i]);
      // The row holds the lengths, so that ids cannot wander from one field to the next unseen.
      digest.update(JSON.stringify(row.with(ID, tokens[i].id)));
      for (const ids of [tokens[i].prompt, tokens[i].chosen, tokens[i].rejected]) {
        const unknown = unknownId(ids, facts.vocabSize);
        if (unknown !== undefined) refuse(path, `id ${unknown} of ${facts.vocabSize}`);
        if (ids !== null) digest.update(new Uint8Array(new Int32Array(ids).buffer));
      }
    });
  }
  return digest.hex();
}

/** Requires that a row tells of the pair that its batch holds: readers take the ids of either. */
function requireSameId(path: string, row: readonly DuckDBValue[], { id }: TokenizedPair): void {
  const inRow = row[ID];
  // A U+FEFF that a text begins with is lost on the way from DuckDB.
  if (inRow === id || `\uFEFF${inRow}` === id) return;
  const [found, expected] = [inRow, id].map((each) => JSON.stringify(each));
  refuse(path, `row ${row[ROW]} of ${found}, which is ${expected} in its batch`);
}

/**
 * Batch after batch, in order: the given columns of its pairs, and their token ids. DuckDB gives one
 * row group after the other, in the order of insertion: each is a batch, whose last row holds its blob.
 *
 * @throws InputError when a group of rows does not end with a batch of as many pairs, or when batches hold more
 * bytes than the file does
 */
async function* readBatches({ path, connection, bytes }: OpenTokens, columns: readonly string[]) {
  let left = bytes ?? Infinity;
  const result = await connection.stream(`SELECT ${[...columns, "arrow"].join(", ")} FROM rows`);
  for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
    const { rowCount } = chunk;
    if (rowCount === 0) return;
    const vectors = columns.map((_, column) => (chunk as DuckDBDataChunk).getColumnVector(column));
    const blobs = chunk.getColumnVector(columns.length) as DuckDBBlobVector;
    const blob = blobs.getItemBytes(rowCount - 1);
    if (blob === null) return refuse(path, `${rowCount} rows without a batch`);
    left -= blob.length;
    if (left < 0) return refuse(path, `batches of over ${bytes} bytes in a file of as many`);
    const tokens = decode(path, blob, rowCount);
    const rows = Array.from(
      { length: rowCount },
      (_, i) => vectors.map((vector) => vector.getItem(i)),
    );
    yield { rows, tokens };
  }
}

function decode(path: string, blob: Uint8Array, rows: number): TokenizedPair[] {
  try {
    return decodeBatch(blob, rows);
  } catch (error) {
    return refuse(path, error);
  }
}

interface OpenTokens extends TokenDatabase {
  readonly path: string;
  readonly facts: TokenFacts;
  /** What its batches can hold together; not held to it where there is none. */
  readonly bytes?: number;
}

/** Two rows at most: one is expected, and a forged table may hold any number. */
const FACTS_SQL = "SELECT format, facts FROM facts LIMIT 2";

async function open(folder: string): Promise<OpenTokens> {
  const path = `${folder}/${TOKENS_FILE}`;
  const database = await openDatabase(path, "read", [FACTS_SQL])
    .catch((error) => refuse(path, error));
  return await withFacts(path, database, () => Promise.resolve(database.result));
}

/** As `open`, for a folder of unknown origin. */
async function openUnknown(folder: string): Promise<OpenTokens> {
  const path = `${folder}/${TOKENS_FILE}`;
  const open = async () => {
    const { size: bytes } = await Deno.stat(path);
    await requireNoLog(folder);
    return { bytes, ...await openUnknownDatabase(path, bytes, OWN_TABLES_SQL) };
  };
  const database = await open().catch((error) => refuse(path, error));
  return await withFacts(path, database, async () => {
    await requireOwnTables(database.result);
    return await database.connection.run(FACTS_SQL);
  });
}

/** Requires that no file is named as one of the database's own would be: DuckDB would run a log. */
async function requireNoLog(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (name.startsWith(`${TOKENS_FILE}.`)) throw new Error(`${JSON.stringify(name)} beside it`);
  }
}

/** With the facts of a database that was just opened, which is let go of when they cannot be read. */
async function withFacts<Database extends TokenDatabase>(
  path: string,
  database: Database,
  read: () => Promise<DuckDBMaterializedResult>,
): Promise<Database & Pick<OpenTokens, "path" | "facts">> {
  try {
    const rows = (await (await read()).fetchChunk())?.getRows() ?? [];
    if (rows.length !== 1) throw new Error(rows.length === 0 ? "no facts" : "facts twice");
    const [[format, facts]] = rows;
    if (format !== FORMAT) throw new Error(`format ${format}`);
    return { ...database, path, facts: parseFacts(String(facts)) };
  } catch (error) {
    await database[Symbol.asyncDispose]();
    return refuse(path, error);
  }
}

/** @throws Error for what no `writeTokens` writes */
function parseFacts(text: string): TokenFacts {
  const facts: unknown = JSON.parse(text);
  const isText = (value: unknown) => typeof value === "string";
  const isId = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
  const orNull = (holds: (value: unknown) => boolean) => (value: unknown) =>
    value === null || holds(value);
  const expected: { readonly [K in keyof TokenFacts]: (value: unknown) => boolean } = {
    vocabSize: isId,
    maxLength: isId,
    maxPromptLength: isId,
    eosId: isId,
    padId: orNull(isId),
    tokenizerDigest: isText,
    templateDigest: orNull(isText),
  };
  for (const [name, holds] of Object.entries(expected)) {
    const value = isRecord(facts) ? facts[name] : undefined;
    if (!holds(value)) throw new Error(`${name} ${JSON.stringify(value)} among its facts`);
  }
  return facts as unknown as TokenFacts;
}

function refuse(path: string, reason: unknown): never {
  const found = reason instanceof Error ? reason.message.split("\n")[0] : String(reason);
  throw new InputError([{
    path,
    message: `Expected a database of tokenized pairs (format ${FORMAT}) but found: ${found}`,
  }]);
}
