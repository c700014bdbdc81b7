import assert from "node:assert/strict";
import { dropRows } from "../../../data/sources/drop_rows.ts";

const pairs = [
  { id: "1", prompt: "p", chosen: "a", rejected: "b" },
  { id: "2", prompt: "p", chosen: "a", rejected: "a" },
  { id: "3", prompt: "p", chosen: " \n", rejected: "b" },
  { id: "4", prompt: "p", chosen: "a" },
];

async function* stream() {
  yield* pairs;
}

async function kept(dropIdentical: boolean, dropEmpty: boolean) {
  const dropped: string[] = [];
  const options = { dropIdentical, dropEmpty, onDrop: (id: string) => dropped.push(id) };
  const rows = await Array.fromAsync(dropRows(stream(), options));
  return { kept: rows.map(({ id }) => id).join(), dropped: dropped.join() };
}

Deno.test("dropRows() leaves out identical and empty pairs where asked, and tells which", async () => {
  assert.deepEqual(await kept(false, false), { kept: "1,2,3,4", dropped: "" });
  assert.deepEqual(await kept(true, false), { kept: "1,3,4", dropped: "2" });
  assert.deepEqual(await kept(false, true), { kept: "1,2,4", dropped: "3" });
  assert.deepEqual(await kept(true, true), { kept: "1,4", dropped: "2,3" });
});
