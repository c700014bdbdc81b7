import assert from "node:assert/strict";
import {
  countPairs,
  type PairRow,
  readPairs,
  readPrompts,
  writePairs,
  writePrompts,
} from "../../data/pairs_file.ts";

const rows: PairRow[] = [
  { id: "a:1", prompt: "line\nbreak", chosen: "ü😀", rejected: "" },
  { id: "a:2", prompt: "", chosen: "demonstration", meta: { demonstrator: "expert" } },
];

Deno.test("readPairs() gives back what writePairs() wrote", async () => {
  const folder = await Deno.makeTempDir();
  assert.equal(await writePairs(folder, rows), 2);
  assert.deepEqual(await Array.fromAsync(readPairs(folder)), rows);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("readPairs() reads rows that are longer than many blocks, between short ones", async () => {
  const folder = await Deno.makeTempDir();
  const long = "wörter ".repeat(500_000);
  const given = [rows[0], { id: "b", prompt: long, chosen: long, rejected: "x" }, rows[1]];
  await writePairs(folder, given);
  assert.deepEqual(await Array.fromAsync(readPairs(folder)), given);
  assert.equal(await countPairs(folder), 3);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("writePairs() writes the same bytes whatever the order of the fields", async () => {
  const folder = await Deno.makeTempDir();
  await writePairs(folder, rows);
  const bytes = await Deno.readTextFile(`${folder}/pairs.jsonl`);
  const turned = rows.map((row) => Object.fromEntries(Object.entries(row).reverse()));
  await writePairs(folder, turned as unknown as PairRow[]);
  assert.equal(await Deno.readTextFile(`${folder}/pairs.jsonl`), bytes);
  assert.equal(
    bytes.split("\n")[0],
    '{"id":"a:1","prompt":"line\\nbreak","chosen":"ü😀","rejected":""}',
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("readPrompts() streams more rows than one block holds, characters of all widths whole", async () => {
  const folder = await Deno.makeTempDir();
  const prompts = Array.from(
    { length: 5000 },
    (_, i) => ({ id: `p:${i}`, prompt: `${i} ü😀 `.repeat(9) }),
  );
  assert.equal(await writePrompts(folder, prompts), 5000);
  assert.deepEqual(await Array.fromAsync(readPrompts(folder)), prompts);
  await Deno.remove(folder, { recursive: true });
});
