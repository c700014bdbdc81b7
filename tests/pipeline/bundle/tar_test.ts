import assert from "node:assert/strict";
import { join } from "node:path";
import { packTar, unpackTar } from "../../../pipeline/bundle/tar.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { type Entry, tarOf } from "./archives.ts";

const LONG = `objects/${"a".repeat(64)}/${"b".repeat(90)}.txt`;
const ENTRIES: readonly Entry[] = [
  { name: "a.txt", text: "one\n" },
  { name: "empty", text: "" },
  { name: "full", text: "x".repeat(512) },
  { name: LONG, text: "ä".repeat(700) },
];

async function unpack(bytes: Uint8Array<ArrayBuffer>, chunk = 100): Promise<Entry[]> {
  const pieces = async function* () {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  };
  const found: Entry[] = [];
  for await (const { name, content } of unpackTar(pieces())) {
    found.push({ name, text: await new Response(ReadableStream.from(content)).text() });
  }
  return found;
}

Deno.test("unpackTar() gives back what packTar() took, whatever the chunks", async () => {
  const bytes = await tarOf(ENTRIES);
  for (const chunk of [1, 100, 512, 1 << 20]) assert.deepEqual(await unpack(bytes, chunk), ENTRIES);
  assert.deepEqual(await tarOf(ENTRIES), bytes, "equal bytes from equal files");
});

Deno.test("tar itself reads what packTar() writes", async () => {
  await using scratch = await ScratchFolder.make();
  await Deno.writeFile(join(scratch.path, "a.tar"), await tarOf(ENTRIES));
  const { success } = await new Deno.Command("tar", { args: ["xf", "a.tar"], cwd: scratch.path })
    .output();
  assert(success);
  for (const { name, text } of ENTRIES) {
    assert.equal(await Deno.readTextFile(join(scratch.path, name)), text);
  }
});

Deno.test("unpackTar() refuses links and folders, as tar writes them", async () => {
  await using scratch = await ScratchFolder.make();
  await Deno.mkdir(join(scratch.path, "folder"));
  await Deno.symlink("/etc/passwd", join(scratch.path, "link"));
  await Deno.writeTextFile(join(scratch.path, "file"), "1");
  await Deno.link(join(scratch.path, "file"), join(scratch.path, "other"));
  for (
    const [names, message] of [
      [["link"], /files alone but found a symbolic link: link/],
      [["folder"], /files alone but found a folder: folder/],
      [["file", "other"], /files alone but found a hard link: other/],
    ] as const
  ) {
    const args = ["--format=ustar", "-cf", "a.tar", ...names];
    await new Deno.Command("tar", { args, cwd: scratch.path }).output();
    const bytes = await Deno.readFile(join(scratch.path, "a.tar"));
    await assert.rejects(unpack(bytes), message);
  }
});

Deno.test("unpackTar() refuses an archive cut anywhere, and one with a bit turned in a header", async () => {
  const bytes = await tarOf(ENTRIES.slice(0, 3));
  for (let end = 0; end < bytes.length; end += 97) {
    await assert.rejects(unpack(bytes.slice(0, end)), /cut short|does not end/, `${end}`);
  }
  for (const at of [0, 99, 124, 156, 257, 400]) {
    const damaged = bytes.slice();
    damaged[at] ^= 1;
    await assert.rejects(unpack(damaged), /header that is damaged/, `${at}`);
  }
  await assert.rejects(unpack(new Uint8Array([...bytes, ...new Uint8Array(512).fill(1)])), /end/);
});

Deno.test("packTar() refuses what the format cannot hold, and a file that grew", async () => {
  const pack = async (name: string, size: number, text = "") => {
    const content = ReadableStream.from([new TextEncoder().encode(text)]);
    for await (const _ of packTar(ReadableStream.from([{ name, size, content }])));
  };
  await assert.rejects(pack("a".repeat(101), 0), /so long a name/);
  await assert.rejects(pack("a", 8 ** 11), /up to 8 GiB/);
  await assert.rejects(pack("a", 1, "12"), /a had 1 bytes and now has 2/);
});
