import { DuckDBInstance } from "@duckdb/node-api";
import { tableFromIPC } from "apache-arrow";
import assert from "node:assert/strict";
import {
  digestTokens,
  measureTokens,
  readTokenFacts,
  readTokens,
  streamTokens,
} from "../../../data/store/read_tokens.ts";
import type { TokenFacts } from "../../../data/store/token_table.ts";
import { writeTokens } from "../../../data/store/write_tokens.ts";
import type { TokenizedRow } from "../../../data/tokenize.ts";

const facts: TokenFacts = {
  maxLength: 8,
  maxPromptLength: 4,
  vocabSize: 1 << 16,
  eosId: 9,
  padId: null,
  tokenizerDigest: "def",
  templateDigest: "abc",
};

function row(i: number, change: Partial<TokenizedRow> = {}): TokenizedRow {
  const rejected = i % 3 === 0 ? null : Int32Array.from({ length: i % 4 }, (_, j) => i + j);
  return {
    id: `file.jsonl:${i + 1}`,
    prompt: Int32Array.of(1, i, 2),
    chosen: Int32Array.from({ length: (i % 5) + 1 }, (_, j) => i * j),
    rejected,
    before: { prompt: 7, chosen: 6, rejected: rejected && 5 },
    truncation: "prompt",
    boundaryMismatch: i % 2 === 0,
    identicalText: false,
    chosenEmpty: false,
    rejectedEmpty: true,
    chosenEnded: true,
    rejectedEnded: false,
    specialInText: i % 7 === 0,
    promptDigest: `d${i}`,
    promptDigestNormalised: `n${i}`,
    ...change,
  };
}

const rowsOf = (count: number) => Array.from({ length: count }, (_, i) => row(i));

/** A row as it is read: two bytes an id. */
function asRead<Row extends Pick<TokenizedRow, "prompt" | "chosen" | "rejected">>(row: Row): Row {
  return {
    ...row,
    prompt: Uint16Array.from(row.prompt),
    chosen: Uint16Array.from(row.chosen),
    rejected: row.rejected && Uint16Array.from(row.rejected),
  };
}

/** Writes rows, gives the folder to `use`, and removes it. */
async function withTokens<T>(
  rows: Iterable<TokenizedRow>,
  use: (folder: string) => Promise<T>,
  given: TokenFacts = facts,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  await writeTokens({ folder, facts: given, rows });
  try {
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("streamTokens() gives back every field of every row, over several batches", async () => {
  const rows = rowsOf(2500);
  await withTokens(rows, async (folder) => {
    assert.deepEqual(await Array.fromAsync(streamTokens(folder)), rows.map(asRead));
    assert.deepEqual(await readTokenFacts(folder), facts);
  });
});

Deno.test("readTokens() gives the pairs alone, demonstrations with a null reply", async () => {
  await withTokens(rowsOf(4), async (folder) => {
    const pairs = await readTokens(folder);
    assert.deepEqual(
      pairs,
      rowsOf(4).map(({ id, prompt, chosen, rejected }) => asRead({ id, prompt, chosen, rejected })),
    );
    assert.deepEqual(pairs.map(({ rejected }) => rejected?.length ?? null), [null, 1, 2, null]);
  });
});

Deno.test("readTokens() gives the ids of pairs as they are, U+FEFF at their begin included", async () => {
  const ids = ["\uFEFFa", "b", "\uFEFF", "", "c\uFEFF😀"];
  await withTokens(ids.map((id, i) => row(i, { id })), async (folder) => {
    assert.deepEqual((await readTokens(folder)).map(({ id }) => id), ids);
    const streamed = await Array.fromAsync(streamTokens(folder));
    assert.deepEqual(streamed.map(({ id }) => id), ids);
  });
});

Deno.test("ids of a vocabulary beyond two bytes are read as four", async () => {
  const rows = [row(1), row(2, { id: "é", chosen: Int32Array.of(0, 65_535) })];
  const wide = { ...facts, vocabSize: (1 << 16) + 1 };
  await withTokens([...rows, row(3, { chosen: Int32Array.of(65_536) })], async (folder) => {
    const pairs = await readTokens(folder);
    assert.deepEqual(pairs.map(({ id }) => id), ["file.jsonl:2", "é", "file.jsonl:4"]);
    assert.deepEqual(pairs.map(({ chosen }) => chosen), [
      ...rows.map(({ chosen }) => chosen),
      Int32Array.of(65_536),
    ]);
  }, wide);
});

Deno.test("writeTokens() refuses an id outside the vocabulary", async () => {
  for (const id of [-1, 1 << 16]) {
    await assert.rejects(
      withTokens([row(1, { chosen: Int32Array.of(1, id) })], () => Promise.resolve()),
      new RangeError(`Expected token ids below 65536 but found ${id}.`),
    );
  }
});

Deno.test("writeTokens() leaves one finished file, and tells how far it is", async () => {
  const folder = await Deno.makeTempDir();
  const progress: number[] = [];
  const count = await writeTokens({
    folder,
    facts,
    rows: rowsOf(2100),
    onProgress: (rows) => progress.push(rows),
  });
  assert.equal(count, 2100);
  assert.deepEqual(progress, [2048, 2100]);
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  assert.deepEqual(names, ["tokens.duckdb"]);
  const { pairs, tokens } = await measureTokens(folder);
  const all = rowsOf(2100).reduce(
    (sum, { prompt, chosen, rejected }) =>
      sum + prompt.length + chosen.length + (rejected?.length ?? 0),
    0,
  );
  assert.deepEqual([pairs, tokens], [2100, all]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("measureTokens() tells the longest parts, and how many pairs are nearly as long as the longest", async () => {
  const [like] = rowsOf(1);
  const row = (id: string, [prompt, chosen, rejected]: readonly number[]) => ({
    ...like,
    id,
    prompt: new Int32Array(prompt),
    chosen: new Int32Array(chosen),
    rejected: new Int32Array(rejected),
  });
  // 20, 100, 90 and 89 tokens.
  const lengths = [[10, 4, 6], [30, 60, 10], [5, 15, 70], [40, 25, 24]];
  await withTokens(lengths.map((each, i) => row(`pair:${i}`, each)), async (folder) => {
    const { longestPair, longestReplies, longestSequence, longPairs, ...sizes } =
      await measureTokens(folder);
    const { longestPrompt, longestChosen, longestRejected } = sizes;
    assert.deepEqual([longestPair, longestReplies, longestSequence], [100, 85, 90]);
    assert.deepEqual([longestPrompt, longestChosen, longestRejected], [40, 60, 70]);
    assert.equal(longPairs, 2);
  });
});

Deno.test("writeTokens() holds an empty set as well", async () => {
  await withTokens([], async (folder) => {
    assert.deepEqual(await readTokens(folder), []);
    const { pairs, tokens, promptTokens } = await measureTokens(folder);
    assert.deepEqual([pairs, tokens, promptTokens], [0, 0, 0]);
  });
});

Deno.test("a tokens file answers plain SQL, and its blobs are Arrow IPC streams", async () => {
  await withTokens(rowsOf(10), async (folder) => {
    const instance = await DuckDBInstance.create(`${folder}/tokens.duckdb`, {
      access_mode: "READ_ONLY",
    });
    const connection = await instance.connect();
    const longest = await connection.runAndReadAll(
      "SELECT id, chosen_tokens FROM pairs WHERE rejected_tokens IS NULL ORDER BY row DESC LIMIT 1",
    );
    assert.deepEqual(longest.getRows(), [["file.jsonl:10", 5]]);
    const blobs = await connection.runAndReadAll("SELECT arrow FROM batches");
    const { bytes } = blobs.getRows()[0][0] as unknown as { bytes: Uint8Array };
    const table = tableFromIPC(bytes);
    assert.equal(
      String(table.schema),
      "Schema<{ 0: id: Utf8, 1: prompt: List<Uint16>, 2: chosen: List<Uint16>, " +
        "3: rejected: List<Uint16> }>",
    );
    assert.deepEqual([...table.getChild("prompt")?.get(7) ?? []], [1, 7, 2]);
    assert.equal(table.getChild("rejected")?.get(3), null);
    connection.closeSync();
    instance.closeSync();
  });
});

Deno.test("a tokens file is open to several readers at once", async () => {
  await withTokens(rowsOf(2500), async (folder) => {
    const [a, b] = [streamTokens(folder), streamTokens(folder)];
    assert.equal((await a.next()).value?.id, (await b.next()).value?.id);
    assert.equal((await readTokens(folder)).length, 2500);
    await a.return(undefined);
    await b.return(undefined);
  });
});

Deno.test("readTokens() lets go of the file: it may be written, or give way to another", async () => {
  const folder = await Deno.makeTempDir({ prefix: "it's " });
  for (const count of [3, 5]) {
    await writeTokens({ folder, facts, rows: rowsOf(count) });
    const read = () => Promise.all([readTokens(folder), readTokens(folder)]);
    for (const pairs of await read()) assert.equal(pairs.length, count);
    const instance = await DuckDBInstance.create(`${folder}/tokens.duckdb`);
    const connection = await instance.connect();
    await connection.run("DELETE FROM rows; CHECKPOINT");
    connection.closeSync();
    instance.closeSync();
    for (const pairs of await read()) assert.equal(pairs.length, 0);
    await Deno.remove(`${folder}/tokens.duckdb`);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("readTokens() reads on after a file whose ids are damaged", async () => {
  await withTokens(rowsOf(2500), async (folder) => {
    const path = `${folder}/tokens.duckdb`;
    const bytes = await Deno.readFile(path);
    // The first block of data follows three pages of headers.
    await Deno.writeFile(path, bytes.with(3 * 4096 + 5000, bytes[3 * 4096 + 5000] ^ 255));
    for (let i = 0; i < 3; i++) await assert.rejects(readTokens(folder), /checksum/);
    await Deno.writeFile(path, bytes);
    assert.equal((await readTokens(folder)).length, 2500);
  });
});

Deno.test("digestTokens() is the same for the same rows, and changes with any of them", async () => {
  const digest = (rows: TokenizedRow[], given = facts) => withTokens(rows, digestTokens, given);
  const rows = rowsOf(30);
  const original = await digest(rows);
  assert.match(original, /^[0-9a-f]{64}$/);
  assert.equal(await digest(rowsOf(30)), original);
  const changed: Partial<TokenizedRow>[] = [
    { id: "other" },
    { chosen: Int32Array.of(1) },
    { rejected: null },
    // The same ids in a row, cut at another place.
    { prompt: Int32Array.of(1, 4), chosen: Int32Array.of(2, ...rows[4].chosen) },
    { truncation: "none" },
  ];
  for (const change of changed) {
    assert.notEqual(await digest(rows.with(4, row(4, change))), original, JSON.stringify(change));
  }
  assert.notEqual(await digest(rows, { ...facts, maxLength: 9 }), original);
  assert.notEqual(await digest(rows.toReversed()), original);
});

Deno.test("digestTokens() takes ids as they are: U+FEFF at their begin, NUL, no text at all", async () => {
  const ids = ["a", "\uFEFFa", "\uFEFF\uFEFFa", "\u0000", "a\u0000", ""];
  const digests = ids.map((id) => withTokens([row(0, { id })], digestTokens));
  assert.equal(new Set(await Promise.all(digests)).size, ids.length);
});

Deno.test("readTokens() says what it found in place of tokens", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/tokens.duckdb`;
  const refused = (found: RegExp) =>
    assert.rejects(readTokens(folder), (error: Error) => {
      const expected = `${path}: Expected a database of tokenized pairs (format 2) but found: `;
      assert.equal(error.name, "InputError");
      assert.equal(error.message.slice(0, expected.length), expected);
      assert.match(error.message.slice(expected.length), found);
      return true;
    });
  await refused(/does not exist/);
  await Deno.writeTextFile(path, "no database ".repeat(1000));
  await refused(/not a valid DuckDB database file/);
  await Deno.remove(path);
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run("CREATE TABLE facts (format INTEGER, facts VARCHAR)");
  await connection.run("INSERT INTO facts VALUES (99, '{}')");
  connection.closeSync();
  instance.closeSync();
  await refused(/^format 99$/);
  await Deno.remove(folder, { recursive: true });
});
