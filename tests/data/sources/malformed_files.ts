import assert from "node:assert/strict";
import { writeParquet } from "./write_parquet.ts";

/** A file that is no data set, and what is to be said of it. */
export interface MalformedFile {
  readonly name: string;
  /** The training split's file. */
  readonly file: string;
  readonly content: (path: string) => Promise<void>;
  /** What the message must be, the folder's name cut off. */
  readonly expected: RegExp;
}

const bytes = (content: string) => new TextEncoder().encode(content);
/** A row that is right. */
export const GOOD_ROW = '{"prompt":"p","chosen":"c","rejected":"r"}\n';
const user = { role: "user", content: "p" };
const answer = (content: unknown) => ({ role: "assistant", content });
const talk = (content: unknown) => [user, answer(content)];

function jsonl(
  name: string,
  lines: string,
  expected: RegExp,
  file = "train_prefs.jsonl",
): MalformedFile {
  return { name, file, expected, content: (path) => Deno.writeFile(path, bytes(lines)) };
}

function row(name: string, value: unknown, expected: RegExp): MalformedFile {
  return jsonl(name, `${GOOD_ROW}${JSON.stringify(value)}\n`, expected);
}

function raw(
  name: string,
  content: Uint8Array<ArrayBuffer>,
  expected: RegExp,
  file = "train_prefs.jsonl",
): MalformedFile {
  return { name, file, expected, content: (path) => Deno.writeFile(path, content) };
}

function parquet(
  name: string,
  select: string,
  expected: RegExp,
  change: (content: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (content) => content,
): MalformedFile {
  return {
    name,
    file: "train_prefs.parquet",
    expected,
    content: async (path) => {
      await writeParquet(path, select);
      await Deno.writeFile(path, change(await Deno.readFile(path)));
    },
  };
}

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function gz(
  name: string,
  change: (packed: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
  expected: RegExp,
): MalformedFile {
  return {
    name,
    file: "train_prefs.jsonl.gz",
    expected,
    content: async (path) => {
      const lines = Array.from(
        { length: 2000 },
        (_, i) => GOOD_ROW.replace('"p"', `"p${i * 7919}"`),
      );
      await Deno.writeFile(path, change(await gzip(lines.join(""))));
    },
  };
}

const pairs = "SELECT 'p' || range AS prompt, 'c' AS chosen, 'r' AS rejected FROM range(5000)";
const list = (content: string) =>
  `[{'role': 'user', 'content': 'p'}, {'role': 'assistant', 'content': ${content}}]`;
const shapes =
  /Expected \{prompt, chosen, rejected\} of texts, or .* conversations, but found /.source;

/** Every way in which a file of pairs is tested to be wrong. */
export const MALFORMED_FILES: readonly MalformedFile[] = [
  // JSON lines
  jsonl(
    "an empty file",
    "",
    /^train_prefs\.jsonl: Expected rows of pairs but found an empty file\.$/,
  ),
  jsonl(
    "blank lines alone",
    "\n \r\n\n",
    new RegExp(`^train_prefs\\.jsonl: Expected rows .*, but found none\\.$`),
  ),
  jsonl(
    "a byte-order mark and then nothing",
    "\uFEFF\n",
    /train_prefs\.jsonl: Expected rows .* found none/,
  ),
  jsonl(
    "text",
    `${GOOD_ROW}hello\n`,
    /^train_prefs\.jsonl:2: Expected a JSON object but found "hello"\.$/,
  ),
  jsonl(
    "CRLF and text",
    `${GOOD_ROW.trim()}\r\nhello\r\n`,
    /^train_prefs\.jsonl:2: .* found "hello"\.$/,
  ),
  jsonl(
    "a line cut short",
    `${GOOD_ROW}${GOOD_ROW.slice(0, 30)}`,
    /^train_prefs\.jsonl:2: Expected a JSON object/,
  ),
  jsonl(
    "a JSON array over all rows",
    `[${GOOD_ROW.trim()}]\n`,
    /^train_prefs\.jsonl:1: Expected a JSON object/,
  ),
  row("a number", 7, /^train_prefs\.jsonl:2: Expected a JSON object but found "7"\.$/),
  row("null", null, /^train_prefs\.jsonl:2: Expected a JSON object but found "null"\.$/),
  row(
    "no columns",
    {},
    new RegExp(
      `^train_prefs\\.jsonl:2: ${shapes}columns \\(none\\); prompt and chosen and rejected missing`,
    ),
  ),
  row(
    "other columns",
    { question: "p", answer: "c" },
    /found columns question, answer; prompt and chosen/,
  ),
  row(
    "a misspelt column",
    { prompt: "p", choosen: "c", rejected: "r" },
    /chosen missing\. Did you mean "choosen"\?$/,
  ),
  row(
    "texts without prompt",
    { chosen: "c", rejected: "r" },
    /columns chosen, rejected; prompt missing\.$/,
  ),
  row(
    "null for a text",
    { prompt: "p", chosen: null, rejected: "r" },
    /^train_prefs\.jsonl:2: .*chosen: null/,
  ),
  row(
    "null for a prompt",
    { prompt: null, chosen: talk("c"), rejected: talk("r") },
    /prompt: null, chosen: list/,
  ),
  row(
    "a text beside messages",
    { prompt: "p", chosen: talk("c"), rejected: "r" },
    /chosen: list, rejected: string/,
  ),
  row(
    "no messages",
    { prompt: "p", chosen: [], rejected: talk("r") },
    /^train_prefs\.jsonl:2: Expected messages in chosen but found none\.$/,
  ),
  row(
    "a null message",
    { chosen: [user, null], rejected: talk("r") },
    /at chosen\[1\] but found null\.$/,
  ),
  row(
    "a null content",
    { chosen: talk(null), rejected: talk("r") },
    /chosen\[1\]\.content to be a text but found null\.$/,
  ),
  row(
    "content in parts",
    { chosen: talk([{ type: "text" }]), rejected: talk("r") },
    /content to be a text but found list\.$/,
  ),
  row(
    "ShareGPT's keys",
    { chosen: [{ from: "human", value: "p" }], rejected: talk("r") },
    /chosen\[0\] but found from, value\.$/,
  ),
  row("an unknown role", {
    chosen: [user, { role: "asistant", content: "c" }],
    rejected: talk("r"),
  }, /"asistant"\. Did you mean "assistant"\?$/),
  row(
    "a null role",
    { chosen: [{ role: null, content: "p" }], rejected: talk("r") },
    /chosen\[0\]\.role .* but found null\.$/,
  ),
  row(
    "two user messages in a row",
    { chosen: [user, user, answer("c")], rejected: talk("r") },
    /alternate but found user twice in a row at chosen\[1\]\.$/,
  ),
  row("a late system message", {
    chosen: [user, { role: "system", content: "s" }, answer("c")],
    rejected: talk("r"),
  }, /system message at the start of chosen alone .* chosen\[1\]\.$/),
  row(
    "a reply of the user",
    { chosen: [user], rejected: talk("r") },
    /chosen to end with the assistant's message but found the user's\.$/,
  ),
  row("a prompt of the assistant", {
    prompt: [user, answer("a")],
    chosen: [answer("c")],
    rejected: [answer("r")],
  }, /begin and end with a user's message but found the assistant's at its end\.$/),
  row(
    "replies without a prompt",
    { chosen: [answer("c")], rejected: [answer("r")] },
    /begin and end with a user's message but found none\.$/,
  ),
  row("conversations that part early", {
    chosen: talk("c"),
    rejected: [{ role: "user", content: "q" }, answer("r")],
  }, /part ways at message 1\.$/),
  row("a prompt that the conversations lack", {
    prompt: "q",
    chosen: talk("c"),
    rejected: talk("r"),
  }, /hold the prompt of the column prompt but found another\.$/),
  row("messages of another prompt", {
    prompt: [{ role: "user", content: "q" }],
    chosen: talk("c"),
    rejected: talk("r"),
  }, /but found another\.$/),
  jsonl(
    "a column twice",
    `${GOOD_ROW}{"prompt":"p","chosen":"a","chosen":"b","rejected":"r"}\n`,
    /^train_prefs\.jsonl:2: Expected each column once but found chosen twice\.$/,
  ),
  raw(
    "bad UTF-8",
    Uint8Array.of(...bytes(GOOD_ROW), 0xc3, 0x28, 10),
    /^train_prefs\.jsonl:2: Expected UTF-8 text but found other bytes\.$/,
  ),
  raw(
    "UTF-16",
    Uint8Array.of(0xff, 0xfe, ...[...GOOD_ROW].flatMap((c) => [c.charCodeAt(0), 0])),
    /^\d+ problems:\n {2}train_prefs\.jsonl:1: Expected UTF-8 text/,
  ),
  {
    name: "a row of 50 MB",
    file: "train_prefs.jsonl",
    content: (path) =>
      Deno.writeTextFile(path, GOOD_ROW + GOOD_ROW.replace('"c"', `"${"x".repeat(50 << 20)}"`)),
    expected: /^train_prefs\.jsonl:2: Expected at most 16\.0 MiB a row but found 50\.0 MiB\.$/,
  },
  {
    name: "a folder",
    file: "train_prefs.jsonl",
    content: (path) => Deno.mkdir(path),
    expected: /Expected train_prefs\.parquet, .* but found /,
  },
  jsonl(
    "a file under another name",
    GOOD_ROW,
    /Expected train_prefs\.parquet, .* but found splits test_prefs, train_pref\. Did you mean "train_pref"\?$/,
    "train_pref.jsonl",
  ),
  jsonl(
    "one part of two",
    GOOD_ROW,
    /Expected 2 files of the split train_prefs but found 1/,
    "train_prefs-00000-of-00002.jsonl",
  ),
  // gzip
  gz(
    "gzip cut short",
    (packed) => packed.slice(0, packed.length >> 1),
    /^train_prefs\.jsonl\.gz:\d+: Expected whole gzip data but found after line \d+: /,
  ),
  gz(
    "gzip with a changed byte",
    (packed) => packed.map((byte, i) => i === packed.length - 6 ? byte ^ 1 : byte),
    /^train_prefs\.jsonl\.gz:\d+: Expected whole gzip data/,
  ),
  raw(
    "text named .gz",
    bytes(GOOD_ROW),
    /^train_prefs\.jsonl\.gz:1: Expected whole gzip data but found: /,
    "train_prefs.jsonl.gz",
  ),
  raw(
    "nothing named .gz",
    new Uint8Array(),
    /^train_prefs\.jsonl\.gz: .* found an empty file\.$/,
    "train_prefs.jsonl.gz",
  ),
  {
    name: "gzip under a plain name",
    file: "train_prefs.jsonl",
    content: async (path) => await Deno.writeFile(path, await gzip(GOOD_ROW)),
    expected:
      /^train_prefs\.jsonl: Expected JSON lines but found gzip data; name it \.jsonl\.gz\.$/,
  },
  // Parquet
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
    /^train_prefs\.parquet:\d+: Expected a whole Parquet file with UTF-8 texts but found, from row \d+ on: .*not valid UTF8/,
    spoilText,
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
    "Parquet with numbers",
    "SELECT 'p' AS prompt, 1 AS chosen, 2 AS rejected",
    /^train_prefs\.parquet:1: .*chosen: number, rejected: number/,
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
function spoilText(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = new TextDecoder("latin1").decode(content).indexOf("p3000");
  assert.ok(at > 0);
  content[at] = 0xff;
  return content;
}
