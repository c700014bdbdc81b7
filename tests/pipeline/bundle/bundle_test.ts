import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../../../core/digest.ts";
import { BUNDLE_FORMAT } from "../../../pipeline/bundle/manifest.ts";
import { readBundle } from "../../../pipeline/bundle/read_bundle.ts";
import { type BundleMember, writeBundle } from "../../../pipeline/bundle/write_bundle.ts";
import { listFiles } from "../../../pipeline/store/seal_folder.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { type Entry, gzipTo, manifestOf, tarOf } from "./archives.ts";

const FILES: readonly Entry[] = [{ name: "a.txt", text: "one" }, { name: "b/c.txt", text: "two" }];
const LIMIT = 1e6;

/** Reads an archive of these entries and expects it refused, with nothing outside the folder. */
async function refused(entries: readonly Entry[], message: RegExp, limit = LIMIT): Promise<void> {
  await using scratch = await ScratchFolder.make();
  const path = await gzipTo(scratch.path, await tarOf(entries));
  const folder = join(scratch.path, "deep", "inside");
  await assert.rejects(readBundle(path, { folder, limit }), message);
  const left = listFiles(scratch.path).filter((name) => !name.startsWith("deep/inside/"));
  assert.deepEqual(left, ["bundle.tar.gz"]);
}

async function write(path: string, members: readonly BundleMember[], secrets = new Map()) {
  const names = { ballast: "0", recipe: "toy", run: "0001", set: [], sweep: [], revision: null };
  const lists = { code: sha256(""), instances: [], objects: [] };
  const manifest = { format: BUNDLE_FORMAT, ...names, ...lists } as const;
  return await writeBundle(path, { manifest, members, secrets });
}

Deno.test("writeBundle() gives equal bytes whatever the order and the files' times", async () => {
  await using scratch = await ScratchFolder.make();
  const [file, first, second] = ["f", "1", "2"].map((name) => join(scratch.path, name));
  await Deno.writeTextFile(file, "three");
  const members = [{ path: "z", text: "zed" }, { path: "b/f", file }, { path: "a", text: "" }];
  await write(first, members);
  await Deno.utime(file, 1, 1);
  await Deno.chmod(file, 0o600);
  await write(second, members.toReversed());
  assert.deepEqual(await Deno.readFile(first), await Deno.readFile(second));
  const folder = join(scratch.path, "out");
  const manifest = await readBundle(first, { folder, limit: LIMIT });
  assert.deepEqual(manifest.members.map(({ path }) => path), ["a", "b/f", "z"]);
  assert.deepEqual(listFiles(folder), ["a", "b/f", "z"]);
  assert.equal(await Deno.readTextFile(join(folder, "b/f")), "three");
});

Deno.test("writeBundle() writes nothing where a member holds a secret", async () => {
  await using scratch = await ScratchFolder.make();
  const [file, path] = ["f", "bundle"].map((name) => join(scratch.path, name));
  await Deno.writeTextFile(file, "the answer came with sk-0123456789 in it");
  const secrets = new Map([["JUDGE_API_KEY", "sk-0123456789"]]);
  const member = { path: "judgments/a.json", file };
  await assert.rejects(
    write(path, [member], secrets),
    /^ExpectedError: judgments\/a\.json holds the value of JUDGE_API_KEY; no bundle is written\.$/,
  );
  assert.deepEqual(listFiles(scratch.path), ["f"]);
});

Deno.test("readBundle() refuses members whose names leave their folder", async () => {
  const paths = ["../out", "/tmp/ballast-out", "a/../../out", "a\\..\\out", "C:/out", "a/./b"];
  for (const name of paths) {
    const entries = [{ name, text: "out" }];
    await refused([manifestOf(entries), ...entries], /does not stay in its folder/);
    // Named by the archive alone: no such member is expected.
    await refused([manifestOf(FILES), ...entries], /Expected a\.txt \(3 bytes\) but found/);
  }
});

Deno.test("readBundle() refuses members that are missing, too many, twice, or of other bytes", async () => {
  const [a, b] = FILES;
  const manifest = manifestOf(FILES);
  await refused([manifest, a], /lacks b\/c\.txt/);
  await refused([manifest, b, a], /Expected a\.txt \(3 bytes\) but found b\/c\.txt/);
  await refused([manifest, a, a, b], /but found a\.txt/);
  await refused([manifest, a, b, { name: "c", text: "" }], /holds c, which it does not name/);
  await refused(
    [manifest, { ...a, text: "uno" }, b],
    /a\.txt has other bytes than bundle\.json says/,
  );
  await refused([manifest, { ...a, text: "four" }, b], /\(3 bytes\) but found a\.txt \(4 bytes\)/);
  await refused([manifestOf([a, a]), a, a], /a\.txt comes twice/);
  const below = [{ name: "a", text: "" }, { name: "a/b", text: "" }];
  await refused([manifestOf(below), ...below], /lies below a, which is a file/);
});

Deno.test("readBundle() refuses what unpacks to more than it may, before it is unpacked", async () => {
  const bomb = [{ name: "zeros", text: "0".repeat(2e6) }];
  await refused([manifestOf(bomb), ...bomb], /unpacks to 2000000 bytes, more than the 1000000/);
  await refused([{ name: "bundle.json", text: " ".repeat(2e6) }], /more than is read/);
  const many = [manifestOf(FILES), ...FILES];
  await refused(many, /more than is read/, 5);
});

Deno.test("readBundle() refuses a manifest that is none, comes late, or is of another format", async () => {
  await refused([...FILES, manifestOf(FILES)], /Expected bundle\.json to come first/);
  await refused([{ name: "bundle.json", text: "[]" }], /not of its form/);
  await refused([manifestOf([], { format: 2 })], /has format 2, and this version reads 1/);
  await refused([manifestOf([], { extra: 1 })], /Unrecognized key/);
  await refused([manifestOf([], { objects: ["../../etc"] })], /not of its form: objects\.0/);
});

Deno.test("readBundle() refuses a file that is cut anywhere, no gzip, or not there", async () => {
  await using scratch = await ScratchFolder.make();
  const path = await gzipTo(scratch.path, await tarOf([manifestOf(FILES), ...FILES]));
  const whole = await Deno.readFile(path);
  const options = { folder: join(scratch.path, "out"), limit: LIMIT };
  for (let end = 0; end < whole.length - 1; end += 29) {
    await Deno.writeFile(path, whole.subarray(0, end));
    await assert.rejects(readBundle(path, options), /no bundle that can be used/, `${end}`);
    await Deno.remove(options.folder, { recursive: true }).catch(() => {});
  }
  await Deno.writeTextFile(path, "no archive");
  await assert.rejects(readBundle(path, options), /is no gzip/);
  await assert.rejects(readBundle(`${path}.gone`, options), /There is no file/);
});
