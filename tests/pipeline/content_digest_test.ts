import assert from "node:assert/strict";
import { join } from "node:path";
import type { DigestMemory } from "../../pipeline/code_digest.ts";
import { contentDigest } from "../../pipeline/content_digest.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";

const FORGETFUL: DigestMemory = { get: () => undefined, set: () => {} };

Deno.test("contentDigest() follows links to files and folders", async () => {
  await using scratch = await ScratchFolder.make();
  const [plain, linked] = ["plain", "linked"].map((name) => join(scratch.path, name));
  await Deno.mkdir(join(plain, "inner"), { recursive: true });
  await Deno.writeTextFile(join(plain, "inner", "rows.jsonl"), "{}\n");
  await Deno.mkdir(linked);
  const before = await contentDigest(linked, FORGETFUL);
  await Deno.symlink(join(plain, "inner"), join(linked, "inner"));
  const after = await contentDigest(linked, FORGETFUL);
  assert.notEqual(after, before);
  assert.equal(after, await contentDigest(plain, FORGETFUL));
});

Deno.test("contentDigest() names a link that leads nowhere, or back to where it lies", async () => {
  await using scratch = await ScratchFolder.make();
  const link = join(scratch.path, "link");
  await Deno.symlink(join(scratch.path, "gone"), link);
  const dangling = (error: Error) =>
    error.name === "InputError" &&
    error.message.startsWith(`${link}: Cannot be read: No such file`);
  await assert.rejects(contentDigest(scratch.path, FORGETFUL), dangling);
  await Deno.remove(link);
  await Deno.symlink(scratch.path, link);
  await assert.rejects(contentDigest(scratch.path, FORGETFUL), {
    name: "InputError",
    message: `${link}: A link makes the folder ${scratch.path} part of itself.`,
  });
});
