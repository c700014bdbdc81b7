import assert from "node:assert/strict";
import { findPreferenceFiles } from "../../../data/sources/preference_folder.ts";

async function folderOf(...names: string[]): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const name of names) await Deno.writeTextFile(`${folder}/${name}`, "");
  return folder;
}

Deno.test("findPreferenceFiles() finds both files, gzipped or not", async () => {
  const folder = await folderOf("train_prefs.jsonl.gz", "test_prefs.jsonl", "README.md");
  assert.deepEqual(await findPreferenceFiles(folder), {
    train: `${folder}/train_prefs.jsonl.gz`,
    test: `${folder}/test_prefs.jsonl`,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("findPreferenceFiles() names each missing file and what is there", async () => {
  const folder = await folderOf("train.parquet", "README.md");
  const expected = (split: string) =>
    `${folder}: Expected ${split}_prefs.jsonl or ${split}_prefs.jsonl.gz but found ` +
    "README.md, train.parquet.";
  await assert.rejects(findPreferenceFiles(folder), {
    name: "InputError",
    message: `2 problems:\n  ${expected("train")}\n  ${expected("test")}`,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("findPreferenceFiles() says so when the folder is not there", async () => {
  await assert.rejects(findPreferenceFiles("absent"), {
    name: "InputError",
    message:
      "absent: Expected a folder with train_prefs.jsonl and test_prefs.jsonl but found none.",
  });
});
