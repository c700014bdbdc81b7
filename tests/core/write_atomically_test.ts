import assert from "node:assert/strict";
import { join } from "node:path";
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

Deno.test("makeFolder() makes one where a person may write but not list what is there", async () => {
  await using scratch = await ScratchFolder.make();
  await Deno.chmod(scratch.path, 0o755);
  const closed = join(scratch.path, "closed");
  await Deno.mkdir(closed);
  await Deno.chmod(closed, 0o333);
  try {
    const { stderr } = await makeFolderAsPerson(join(closed, "a", "b"), scratch.path);
    assert.equal(stderr, "");
    await Deno.chmod(closed, 0o755);
    assert.deepEqual([...Deno.readDirSync(join(closed, "a"))].map(({ name }) => name), ["b"]);
  } finally {
    await Deno.chmod(closed, 0o755);
  }
});

/** Calls `makeFolder` in a process without root's right to read everything. */
async function makeFolderAsPerson(path: string, home: string): Promise<{ stderr: string }> {
  const module = new URL("../../core/write_atomically.ts", import.meta.url).href;
  const script = join(home, "make.ts");
  const call = `await makeFolder(${JSON.stringify(path)});`;
  await Deno.writeTextFile(
    script,
    `import { makeFolder } from ${JSON.stringify(module)};\n${call}`,
  );
  const cache = join(home, "cache");
  await Deno.mkdir(cache);
  await Deno.chmod(cache, 0o777);
  const isRoot = canReadAll(join(path, "..", ".."));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-config", "--no-lock", "--allow-all", script],
    env: { DENO_DIR: cache },
    ...isRoot && { uid: 65534, gid: 65534 },
  });
  return { stderr: new TextDecoder().decode((await child.output()).stderr) };
}

function canReadAll(closed: string): boolean {
  try {
    return [...Deno.readDirSync(closed)].length === 0;
  } catch {
    return false;
  }
}
