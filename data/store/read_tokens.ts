import type {
  DuckDBBlobVector,
  DuckDBConnection,
  DuckDBDataChunk,
  DuckDBValue,
} from "@duckdb/node-api";
import { StreamingDigest } from "../../core/digest.ts";
import { canonicalJson } from "../../core/json.ts";
import { InputError } from "../../core/problem.ts";
import type { TokenizedPair } from "../pair.ts";
import type { TokenizedRow } from "../tokenize.ts";
import { decodeBatch } from "./arrow_batch.ts";
import { openDatabase, type TokenDatabase } from "./token_database.ts";
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
  for await (const { tokens } of readBatches(database.connection, [])) pairs.push(tokens);
  return pairs.flat();
}

/** As `readTokens`, with all columns, holding one batch at a time. */
export async function* streamTokens(folder: string): AsyncGenerator<TokenizedRow> {
  await using database = await open(folder);
  for await (const { rows, tokens } of readBatches(database.connection, NAMES)) {
    yield* rows.map((row, i) => ({ ...pairColumns(named(row)), ...tokens[i] }));
  }
}

const NAMES = COLUMNS.map(({ name }) => name);

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
 * mean lengths, the products of lengths that attention computes, and the longest. Without rejected
 * replies, theirs are 0.
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
      coalesce(rejected_tokens, 0)::DOUBLE AS r
    FROM pairs
  )
  SELECT count(*) AS pairs, sum(p + c + r) AS tokens,
    avg(p) AS "promptTokens", avg(c) AS "chosenTokens", avg(r) AS "rejectedTokens",
    avg(p * p) AS "promptCells", avg(c * (p + c)) AS "chosenCells", avg(r * (p + r)) AS "rejectedCells",
    max(p + c + r) AS "longestPair", max(c + r) AS "longestReplies"
  FROM lengths`;

/**
 * Digest (hex SHA-256) of the facts, the columns and the token ids, in order; the layout of the
 * database's pages and the size of its batches do not enter.
 */
export async function digestTokens(folder: string): Promise<string> {
  await using database = await open(folder);
  const digest = new StreamingDigest();
  digest.update(canonicalJson(database.facts));
  for await (const { rows, tokens } of readBatches(database.connection, NAMES)) {
    rows.forEach((row, i) => {
      // The row holds the lengths, so that ids cannot wander from one field to the next unseen.
      digest.update(JSON.stringify(row));
      for (const ids of [tokens[i].prompt, tokens[i].chosen, tokens[i].rejected]) {
        if (ids !== null) digest.update(new Uint8Array(new Int32Array(ids).buffer));
      }
    });
  }
  return digest.hex();
}

/**
 * Batch after batch, in order: the given columns of its pairs, and their token ids. DuckDB gives one
 * row group after the other, in the order of insertion: each is a batch, whose last row holds its blob.
 */
async function* readBatches(connection: DuckDBConnection, columns: readonly string[]) {
  const result = await connection.stream(`SELECT ${[...columns, "arrow"].join(", ")} FROM rows`);
  for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
    const { rowCount } = chunk;
    if (rowCount === 0) return;
    const vectors = columns.map((_, column) => (chunk as DuckDBDataChunk).getColumnVector(column));
    const rows = Array.from(
      { length: rowCount },
      (_, i) => vectors.map((vector) => vector.getItem(i)),
    );
    const blobs = chunk.getColumnVector(columns.length) as DuckDBBlobVector;
    const blob = blobs.getItemBytes(rowCount - 1);
    if (blob === null) throw new Error(`Expected a batch to end with row ${rowCount} of a group.`);
    yield { rows, tokens: decodeBatch(blob) };
  }
}

interface OpenTokens extends TokenDatabase {
  readonly facts: TokenFacts;
}

async function open(folder: string): Promise<OpenTokens> {
  const path = `${folder}/${TOKENS_FILE}`;
  const database = await openDatabase(path, "read", ["SELECT format, facts FROM facts"])
    .catch((error) => refuse(path, error));
  try {
    const [[format, facts]] = (await database.result.fetchChunk())?.getRows() ?? [];
    if (format !== FORMAT) throw new Error(`format ${format}`);
    return { ...database, facts: JSON.parse(facts as string) };
  } catch (error) {
    await database[Symbol.asyncDispose]();
    return refuse(path, error);
  }
}

function refuse(path: string, reason: unknown): never {
  const found = reason instanceof Error ? reason.message.split("\n")[0] : String(reason);
  throw new InputError([{
    path,
    message: `Expected a database of tokenized pairs (format ${FORMAT}) but found: ${found}`,
  }]);
}
