import assert from "node:assert/strict";
import { writeAll, writeAllSync, writeAtomically } from "../../core/write_atomically.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";

/** Takes three bytes at a time, as pipes may. */
function reluctant() {
  const taken: number[] = [];
  const writeSync = (bytes: Uint8Array) => {
    taken.push(...bytes.subarray(0, 3));
    return Math.min(3, bytes.length);
  };
  return { taken, writeSync, write: (bytes: Uint8Array) => Promise.resolve(writeSync(bytes)) };
}

Deno.test("writeAll() and writeAllSync() go on until every byte is written", async () => {
  const bytes = Uint8Array.from({ length: 10 }, (_, i) => i);
  const [file, stream] = [reluctant(), reluctant()];
  await writeAll(file, bytes);
  writeAllSync(stream, bytes);
  assert.deepEqual([file.taken, stream.taken], [[...bytes], [...bytes]]);
});

Deno.test("writeAtomically() replaces a file, and leaves nothing beside it", async () => {
  await using scratch = await ScratchFolder.make();
  const path = `${scratch.path}/file.json`;
  for (const text of ["first", "second, é"]) {
    await writeAtomically(path, text);
    assert.equal(await Deno.readTextFile(path), text);
  }
  assert.deepEqual([...Deno.readDirSync(scratch.path)].map(({ name }) => name), ["file.json"]);
});
