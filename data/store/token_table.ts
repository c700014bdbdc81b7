import { BOOLEAN, type DuckDBType, type DuckDBValue, INTEGER, VARCHAR } from "@duckdb/node-api";
import type { EncodingFacts, TokenizedRow, Truncation } from "../tokenize.ts";

/** The database in a `tokens` artifact. */
export const TOKENS_FILE = "tokens.duckdb";

/** Raised when a reader of old files could no longer read new ones. */
export const FORMAT = 2;

/** Rows of an Arrow record batch, and of a DuckDB data chunk, which can hold no more. */
export const BATCH_ROWS = 2048;

/** Facts about a whole set of tokens. */
export interface TokenFacts extends EncodingFacts {
  readonly maxLength: number;
  readonly maxPromptLength: number;
}

/** All of a row but its token ids. */
export type PairColumns = Omit<TokenizedRow, "prompt" | "chosen" | "rejected">;

interface Column {
  readonly name: string;
  readonly type: DuckDBType;
  readonly nullable?: boolean;
  readonly value: (row: TokenizedRow, index: number) => DuckDBValue;
}

/** The columns of table `pairs`, one row a pair. */
export const COLUMNS: readonly Column[] = [
  { name: "row", type: INTEGER, value: (_, index) => index },
  { name: "id", type: VARCHAR, value: (row) => row.id },
  { name: "prompt_tokens", type: INTEGER, value: (row) => row.prompt.length },
  { name: "chosen_tokens", type: INTEGER, value: (row) => row.chosen.length },
  {
    name: "rejected_tokens",
    type: INTEGER,
    nullable: true,
    value: (row) => row.rejected === null ? null : row.rejected.length,
  },
  { name: "prompt_tokens_before", type: INTEGER, value: (row) => row.before.prompt },
  { name: "chosen_tokens_before", type: INTEGER, value: (row) => row.before.chosen },
  {
    name: "rejected_tokens_before",
    type: INTEGER,
    nullable: true,
    value: (row) => row.before.rejected,
  },
  { name: "truncation", type: VARCHAR, value: (row) => row.truncation },
  { name: "boundary_mismatch", type: BOOLEAN, value: (row) => row.boundaryMismatch },
  { name: "identical_text", type: BOOLEAN, value: (row) => row.identicalText },
  { name: "chosen_empty", type: BOOLEAN, value: (row) => row.chosenEmpty },
  { name: "rejected_empty", type: BOOLEAN, value: (row) => row.rejectedEmpty },
  { name: "chosen_ended", type: BOOLEAN, value: (row) => row.chosenEnded },
  { name: "rejected_ended", type: BOOLEAN, value: (row) => row.rejectedEnded },
  { name: "special_in_text", type: BOOLEAN, value: (row) => row.specialInText },
  { name: "prompt_digest", type: VARCHAR, value: (row) => row.promptDigest },
  { name: "prompt_digest_normalised", type: VARCHAR, value: (row) => row.promptDigestNormalised },
];

/** A row of table `pairs` as the record that it was written from. */
export function pairColumns(row: Readonly<Record<string, DuckDBValue>>): PairColumns {
  const text = (name: string) => row[name] as string;
  const flag = (name: string) => row[name] as boolean;
  return {
    id: text("id"),
    before: {
      prompt: row.prompt_tokens_before as number,
      chosen: row.chosen_tokens_before as number,
      rejected: row.rejected_tokens_before as number | null,
    },
    truncation: text("truncation") as Truncation,
    boundaryMismatch: flag("boundary_mismatch"),
    identicalText: flag("identical_text"),
    chosenEmpty: flag("chosen_empty"),
    rejectedEmpty: flag("rejected_empty"),
    chosenEnded: flag("chosen_ended"),
    rejectedEnded: flag("rejected_ended"),
    specialInText: flag("special_in_text"),
    promptDigest: text("prompt_digest"),
    promptDigestNormalised: text("prompt_digest_normalised"),
  };
}

/**
 * Table `facts` (one JSON document), view `pairs` (the columns above), and view `batches` of token
 * ids: `arrow` is an Arrow IPC stream of columns `id`, `prompt`, `chosen`, `rejected` for `row_count`
 * pairs from `first_row` on.
 *
 * All rows are in one table, where a batch's last row holds its blob. DuckDB writes a group of rows
 * again when rows are added to it: with a table of blobs alone, all of them would be read and written
 * again, over and over. It reads a long text once more for each NULL that follows it in a group,
 * hence the last row.
 */
export const SCHEMA_SQL = [
  "CREATE TABLE facts (format INTEGER NOT NULL, facts VARCHAR NOT NULL)",
  `CREATE TABLE rows (${
    COLUMNS.map(({ name, type, nullable }) => `${name} ${type}${nullable ? "" : " NOT NULL"}`)
      .join(", ")
  }, batch_rows INTEGER, arrow BLOB)`,
  "CREATE VIEW pairs AS SELECT * EXCLUDE (batch_rows, arrow) FROM rows",
  "CREATE VIEW batches AS SELECT (row - batch_rows + 1)::INTEGER AS first_row, " +
  "batch_rows AS row_count, arrow FROM rows WHERE batch_rows IS NOT NULL",
];
