import assert from "node:assert/strict";
import { InputError } from "../../../core/problem.ts";
import { KNOWN_SHAPES } from "../../../data/sources/preference_row.ts";
import { readPreferenceRows } from "../../../data/sources/preference_rows.ts";

/** Writes a file, reads it, and gives the rows, or the problems with the folder's name cut off. */
async function read(
  content: string | Uint8Array<ArrayBuffer>,
  { name = "train_prefs.jsonl", limit = undefined as number | undefined } = {},
) {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/${name}`;
  await Deno.writeFile(
    path,
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  );
  try {
    return { rows: await Array.fromAsync(readPreferenceRows(path, { limit })) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { problems: error.message.replaceAll(`${folder}/`, "").split("\n  ") };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const row = (prompt: string) => JSON.stringify({ prompt, chosen: "c", rejected: "r", score: 1 });

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("readPreferenceRows() gives rows with ids of file and line, other columns left out", async () => {
  const { rows } = await read(`${row("a")}\n\n${row("ü")}\r\n`);
  assert.deepEqual(rows, [
    { id: "train_prefs.jsonl:1", prompt: "a", chosen: "c", rejected: "r" },
    { id: "train_prefs.jsonl:3", prompt: "ü", chosen: "c", rejected: "r" },
  ]);
});

Deno.test("readPreferenceRows() reads gzip, a byte-order mark, and a last line without an end", async () => {
  const { rows } = await read(await gzip(`\uFEFF${row("a")}\n${row("b")}`), {
    name: "test_prefs.jsonl.gz",
  });
  assert.deepEqual(rows?.map(({ id, prompt }) => [id, prompt]), [
    ["test_prefs.jsonl:1", "a"],
    ["test_prefs.jsonl:2", "b"],
  ]);
});

Deno.test("readPreferenceRows() reads all members of a gzip file, as joined files have them", async () => {
  const members = [await gzip(`${row("a")}\n${row("b")}`), await gzip(`\n${row("c")}\n`)];
  const joined = new Uint8Array(members.flatMap((member) => [...member]));
  const { rows } = await read(joined, { name: "train_prefs.jsonl.gz" });
  assert.deepEqual(rows?.map(({ prompt }) => prompt), ["a", "b", "c"]);
});

Deno.test("readPreferenceRows() reads lines longer than a block of the file", async () => {
  const long = "ü😀".repeat(100000);
  const { rows } = await read(`${row(long)}\n${row("b")}\n`);
  assert.deepEqual(rows?.map(({ prompt }) => prompt), [long, "b"]);
});

Deno.test("readPreferenceRows() takes the first rows only, and looks at no line after them", async () => {
  const { rows } = await read(`${row("a")}\n${row("b")}\nno JSON\n`, { limit: 2 });
  assert.equal(rows?.length, 2);
});

Deno.test("readPreferenceRows() names everything wrong with a file at once", async () => {
  const encoder = new TextEncoder();
  const { problems } = await read(Uint8Array.of(
    ...encoder.encode(`${row("a")}\nnot JSON\n`),
    0xff,
    0xfe,
    10,
    ...encoder.encode('[1]\n{"prompt":"p","choosen":"c","rejected":"r"}\n'),
    ...encoder.encode('{"prompt":[{"role":"user"}],"chosen":null,"rejected":"r"}\n{}\n'),
  ));
  assert.deepEqual(problems, [
    "6 problems:",
    'train_prefs.jsonl:2: Expected a JSON object but found "not JSON".',
    "train_prefs.jsonl:3: Expected UTF-8 text but found other bytes.",
    'train_prefs.jsonl:4: Expected a JSON object but found "[1]".',
    `train_prefs.jsonl:5: Expected ${KNOWN_SHAPES}, but found columns prompt, choosen, rejected; ` +
    'chosen missing. Did you mean "choosen"?',
    `train_prefs.jsonl:6: Expected ${KNOWN_SHAPES}, but found prompt: list, chosen: null, ` +
    "rejected: string.",
    `train_prefs.jsonl:7: Expected ${KNOWN_SHAPES}, but found columns (none); ` +
    "prompt and chosen and rejected missing.",
  ]);
});

Deno.test("readPreferenceRows() names 20 bad lines and counts the others", async () => {
  const { problems } = await read("x\n".repeat(50));
  assert.equal(problems?.length, 22);
  assert.equal(problems?.[20], 'train_prefs.jsonl:20: Expected a JSON object but found "x".');
  assert.equal(problems?.[21], "train_prefs.jsonl: 30 more rows are bad.");
});

Deno.test("readPreferenceRows() refuses a file without rows, a missing one, and one that is no gzip", async () => {
  assert.deepEqual((await read("\n")).problems, [
    `train_prefs.jsonl: Expected rows ${KNOWN_SHAPES}, but found none.`,
  ]);
  await assert.rejects(Array.fromAsync(readPreferenceRows("absent.jsonl")), {
    name: "InputError",
    message: "absent.jsonl: Expected a file of pairs but found none.",
  });
  const broken = await read("plain text", { name: "train_prefs.jsonl.gz" });
  assert.match(
    broken.problems?.[0] ?? "",
    /^train_prefs\.jsonl\.gz:1: Expected whole gzip data but found: /,
  );
});
