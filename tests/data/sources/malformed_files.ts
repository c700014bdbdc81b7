import { bytes, GOOD_ROW, type MalformedFile, raw } from "./malformed_file.ts";
import { MALFORMED_PARQUET } from "./malformed_parquet.ts";

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
    "20,000 other columns with long names",
    Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`${i}${"k".repeat(200)}`, 1])),
    /^train_prefs\.jsonl:2: .* found columns 0k{79}…, .*, … \(20000\); prompt and chosen and rejected missing\.$/,
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
    /^train_prefs\.jsonl:2: Expected each key once but found chosen twice\.$/,
  ),
  jsonl(
    "a column twice, once in another spelling",
    `${GOOD_ROW}{"prompt":"p","chosen":"a","\\u0063hosen":"b","rejected":"r"}\n`,
    /^train_prefs\.jsonl:2: Expected each key once but found chosen twice\.$/,
  ),
  jsonl(
    "a message with two contents",
    `${GOOD_ROW}{"prompt":"q","chosen":[{"role":"user","content":"q"},` +
      `{"role":"assistant","content":"a","content":"b"}],"rejected":"r"}\n`,
    /^train_prefs\.jsonl:2: Expected each key once but found chosen\.content twice\.$/,
  ),
  raw(
    "bad UTF-8",
    Uint8Array.of(...bytes(GOOD_ROW), 0xc3, 0x28, 10),
    /^train_prefs\.jsonl:2: Expected UTF-8 text but found other bytes\.$/,
  ),
  row(
    "half of a surrogate pair",
    { prompt: "p", chosen: "a\ud83d", rejected: "r" },
    /^train_prefs\.jsonl:2: Expected Unicode text in chosen but found \\ud83d, half of .* at character 2\.$/,
  ),
  jsonl(
    "lists in lists, 100,000 deep",
    `${GOOD_ROW}{"prompt":"p","chosen":${"[".repeat(1e5)}${"]".repeat(1e5)},"rejected":"r"}\n`,
    /^train_prefs\.jsonl:2: .* found prompt: string, chosen: list, rejected: string\.$/,
  ),
  jsonl(
    "lists that no one closes",
    `${GOOD_ROW}{"prompt":"p","chosen":${"[".repeat(1_000_000)}\n`,
    /^train_prefs\.jsonl:2: Expected a JSON object but found /,
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
  ...MALFORMED_PARQUET,
];
