import assert from "node:assert/strict";
import { bytes, GOOD_ROW, type MalformedFile, raw } from "./malformed_file.ts";
import { writeParquet } from "./write_parquet.ts";

function parquet(
  name: string,
  select: string,
  expected: RegExp,
  change: (content: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (content) => content,
  compression: "uncompressed" | "zstd" = "uncompressed",
): MalformedFile {
  return {
    name,
    file: "train_prefs.parquet",
    expected,
    content: async (path) => {
      await writeParquet(path, select, compression);
      await Deno.writeFile(path, change(await Deno.readFile(path)));
    },
  };
}

const pairs = "SELECT 'p' || range AS prompt, 'c' AS chosen, 'r' AS rejected FROM range(5000)";
const list = (content: string) =>
  `[{'role': 'user', 'content': 'p'}, {'role': 'assistant', 'content': ${content}}]`;

/** Every way in which a Parquet file of pairs is tested to be wrong. */
export const MALFORMED_PARQUET: readonly MalformedFile[] = [
  raw(
    "text named .parquet",
    bytes(GOOD_ROW),
    /^train_prefs\.parquet: Expected a Parquet file but found other bytes\.$/,
    "train_prefs.parquet",
  ),
  raw(
    "nothing named .parquet",
    new Uint8Array(),
    /^train_prefs\.parquet: .* found an empty file\.$/,
    "train_prefs.parquet",
  ),
  raw(
    "a Parquet file's first four bytes",
    bytes("PAR1"),
    /^train_prefs\.parquet:1: Expected a whole Parquet file/,
    "train_prefs.parquet",
  ),
  {
    ...parquet("a table named .jsonl", pairs, /found a Parquet file; name it \.parquet\.$/),
    file: "train_prefs.jsonl",
  },
  parquet(
    "a text of a gigabyte in a small Parquet file",
    "SELECT 'p' AS prompt, repeat('x', 700000000) AS chosen, 'r' AS rejected",
    /^train_prefs\.parquet:1: .* Out of Memory/,
    (content) => {
      assert(content.length < 100_000, `${content.length}`);
      return content;
    },
    "zstd",
  ),
  ...["repeat('x', 1000000)", list("repeat('x', 1000000)")].map((chosen, i) =>
    parquet(
      `one text of a dictionary in thousands of rows${i === 0 ? "" : ", as messages"}`,
      `SELECT 'p' AS prompt, ${chosen} AS chosen, ${i === 0 ? "'r'" : list("'r'")} AS rejected ` +
        "FROM range(2048)",
      i === 0
        ? /^train_prefs\.parquet:1: Expected 2048 rows to hold at most 1073741824 bytes .* but found 20/
        : /^train_prefs\.parquet:1: .* Out of Memory/,
      (content) => {
        assert(content.length < 100_000, `${content.length}`);
        return content;
      },
      "zstd",
    )
  ),
  parquet(
    "Parquet cut short",
    pairs,
    /^train_prefs\.parquet:1: Expected a whole Parquet file .* No magic bytes found at end/,
    (content) => content.slice(0, -20),
  ),
  parquet(
    "Parquet with pages overwritten",
    pairs,
    /^train_prefs\.parquet:1: Expected a whole Parquet file/,
    (content) => content.fill(0xff, 4, 200),
  ),
  parquet(
    "Parquet with bad UTF-8",
    pairs,
    /^train_prefs\.parquet:3001: Expected a whole Parquet file with UTF-8 texts but found, from row 3001 on: .*not valid UTF8/,
    spoilText,
  ),
  parquet(
    "Parquet with bad UTF-8 after rows that DuckDB streams",
    pairs.replace("5000", "400000"),
    /^train_prefs\.parquet:300001: Expected a whole Parquet file .* from row 300001 on: .*not valid UTF8/,
    (content) => spoilText(content, "p300000"),
  ),
  parquet(
    "Parquet without rows",
    "SELECT '' AS prompt, '' AS chosen, '' AS rejected WHERE false",
    /^train_prefs\.parquet: Expected rows .* found none\.$/,
  ),
  parquet(
    "Parquet with other columns",
    "SELECT 1 AS a, 2 AS b",
    /^train_prefs\.parquet: .*columns a, b; prompt and chosen and rejected missing/,
  ),
  parquet(
    "Parquet with a column of another name",
    "SELECT 'p' AS \"Prompt\", 'c' AS chosen, 'r' AS rejected",
    /^train_prefs\.parquet:1: .*columns Prompt, chosen, rejected; prompt missing.*Prompt/s,
  ),
  parquet(
    "Parquet with numbers",
    "SELECT 'p' AS prompt, 1 AS chosen, 2 AS rejected",
    /^train_prefs\.parquet:1: .*chosen: number, rejected: number/,
  ),
  parquet(
    "Parquet with bytes that are not said to be texts",
    "SELECT 'p' AS prompt, 'c'::BLOB AS chosen, 'r'::BLOB AS rejected",
    /^train_prefs\.parquet:1: .*prompt: string, chosen: bytes, rejected: bytes\.$/,
  ),
  parquet(
    "Parquet with 50 MB of bytes",
    "SELECT 'p' AS prompt, repeat('x', 52428800)::BLOB AS chosen, 'r'::BLOB AS rejected",
    /^train_prefs\.parquet:1: Expected at most 16\.0 MiB a row but found 50\.0 MiB\.$/,
  ),
  parquet(
    "Parquet with a null text",
    "SELECT 'p' AS prompt, 'c' AS chosen, CASE WHEN range = 1 THEN NULL ELSE 'r' END AS rejected FROM range(3)",
    /^train_prefs\.parquet:2: .*rejected: null/,
  ),
  parquet(
    "Parquet with a null list",
    `SELECT ${list("'c'")} AS chosen, CASE WHEN range = 2 THEN NULL ELSE ${
      list("'r'")
    } END AS rejected FROM range(3)`,
    /^train_prefs\.parquet:3: .*rejected: null/,
  ),
  parquet(
    "Parquet with a null message",
    `SELECT [NULL, ${list("'c'").slice(1)} AS chosen, ${list("'r'")} AS rejected`,
    /^train_prefs\.parquet:1: .* at chosen\[0\] but found null\.$/,
  ),
  parquet(
    "Parquet with a null content",
    `SELECT ${list("NULL")} AS chosen, ${list("'r'")} AS rejected`,
    /^train_prefs\.parquet:1: Expected chosen\[1\]\.content to be a text but found null\.$/,
  ),
  parquet(
    "Parquet with a row of 50 MB",
    "SELECT 'p' AS prompt, 'c' AS chosen, CASE WHEN range = 1 THEN repeat('x', 52428800) ELSE 'r' END AS rejected FROM range(2)",
    /^train_prefs\.parquet:2: Expected at most 16\.0 MiB a row but found 50\.0 MiB\.$/,
  ),
];

/** Makes the first byte of one text no UTF-8; the page is not compressed. */
function spoilText(
  content: Uint8Array<ArrayBuffer>,
  text = "p3000",
): Uint8Array<ArrayBuffer> {
  const at = new TextDecoder("latin1").decode(content).indexOf(text);
  assert.ok(at > 0);
  content[at] = 0xff;
  return content;
}
