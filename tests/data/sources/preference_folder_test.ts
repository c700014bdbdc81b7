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
    train: [`${folder}/train_prefs.jsonl.gz`],
    test: [`${folder}/test_prefs.jsonl`],
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("findPreferenceFiles() takes the parts of a split in order", async () => {
  const parts = [
    "train_prefs-00001-of-00002-ab12.parquet",
    "train_prefs-00000-of-00002-ff00.parquet",
  ];
  const folder = await folderOf(...parts, "test_prefs.parquet", "train_prefs_more.jsonl");
  const { train } = await findPreferenceFiles(folder);
  assert.deepEqual(train, [`${folder}/${parts[1]}`, `${folder}/${parts[0]}`]);
  await Deno.writeTextFile(`${folder}/train_prefs.jsonl`, "");
  await assert.rejects(findPreferenceFiles(folder), {
    message: `${folder}: Expected one set of files for the split train_prefs but found ` +
      `${parts[1]}, ${parts[0]}, train_prefs.jsonl.`,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("findPreferenceFiles() names each missing file and what is there", async () => {
  const folder = await folderOf("train.csv", "README.md");
  const expected = (split: string) =>
    `${folder}: Expected ${split}_prefs.parquet, ${split}_prefs.jsonl or ${split}_prefs.jsonl.gz (or parts ` +
    `${split}_prefs-00000-of-00002.parquet) but found README.md, train.csv.`;
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
      "absent: Expected a folder with the files of train_prefs and test_prefs but found none.",
  });
});
