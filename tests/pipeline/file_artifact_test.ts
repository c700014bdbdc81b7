import assert from "node:assert/strict";
import { fileArtifact } from "../../pipeline/file_artifact.ts";

Deno.test("compare() tells any number of differing leaves", async () => {
  const rows = 200_000; // more than a call takes arguments
  const folders = await Promise.all(["a", "b"].map(async (value) => {
    const folder = await Deno.makeTempDir();
    const lines = Array.from({ length: rows }, (_, i) => `{"v":"${value}${i}"}`);
    await Deno.writeTextFile(`${folder}/rows.jsonl`, lines.join("\n"));
    return folder;
  }));
  const type = fileArtifact({ name: "rows", describe: "" });
  const found = await type.compare(folders[0], folders[1], 0);
  assert.equal(found.length, rows);
  assert.deepEqual(found[rows - 1], {
    path: `rows.jsonl: ${rows - 1}.v`,
    before: `"a${rows - 1}"`,
    after: `"b${rows - 1}"`,
  });
  for (const folder of folders) await Deno.remove(folder, { recursive: true });
});
