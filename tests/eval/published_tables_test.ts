import assert from "node:assert/strict";
import { join } from "node:path";
import { readPublishedTables } from "../../eval/published_tables.ts";
import { temporaryFolder } from "../stages/run_stage.ts";

async function read(text: string) {
  const path = join(await temporaryFolder(), "published.csv");
  await Deno.writeTextFile(path, text);
  return await readPublishedTables(path);
}

Deno.test("readPublishedTables() keeps the digits that are printed, and notes", async () => {
  const cells = await read(
    'table,row,column,value,note\n1,A,B,79.0,"one, two"\n1,A,C,7.200,\n2,A,B,-5,\n',
  );
  const place = (table: string, column: string) => ({ table, row: "A", column });
  assert.deepEqual(cells, [
    { ...place("1", "B"), value: 79, digits: 1, note: "one, two" },
    { ...place("1", "C"), value: 7.2, digits: 3, note: null },
    { ...place("2", "B"), value: -5, digits: 0, note: null },
  ]);
});

Deno.test("readPublishedTables() reads a file without notes", async () => {
  const [{ note }] = await read("table,row,column,value\n1,A,B,1.5\n");
  assert.equal(note, null);
});

Deno.test("readPublishedTables() names every bad row, and every cell that comes twice", async () => {
  await assert.rejects(
    read("table,row,column,value\n1,A,B,high\n1,A,C,1e3\n"),
    (error: Error) => {
      assert.match(error.message, /:2: value: Expected a number but found "high"/);
      assert.match(error.message, /:3: value: Expected a number in plain digits but found "1e3"/);
      return true;
    },
  );
  await assert.rejects(
    read("table,row,column,value\n1,A,B,1.0\n1,A,B,2.0\n"),
    /published\.csv:3: Expected another cell than that of .*published\.csv:2\./,
  );
});
