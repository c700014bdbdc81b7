import assert from "node:assert/strict";
import { readBaseSource, saveBaseSource } from "../../../train/models/base_source.ts";
import { asF32, ggufFile } from "./gguf_writer.ts";

Deno.test("saveBaseSource() keeps the type of most of a GGUF file's numbers, and the commit", async () => {
  const root = await Deno.makeTempDir();
  const quantised = { name: "b", dims: [2, 32], type: 3, bytes: new Uint8Array(2 * 20) }; // Q4_1
  const norms = (count: number) => ({
    name: "a",
    dims: [count],
    ...asF32(new Float32Array(count)),
  });
  for (const [count, ggufType] of [[63, "Q4_1"], [65, "F32"]] as const) {
    const from = `${root}/model.gguf`;
    await Deno.writeFile(from, ggufFile([], [norms(count), quantised]));
    assert.deepEqual(await readBaseSource(from), { commit: null, ggufType });
    await saveBaseSource({ from, commit: "c0ffee" }, root);
    assert.deepEqual(await readBaseSource(root), { commit: "c0ffee", ggufType });
  }
  await Deno.mkdir(`${root}/folder`);
  await saveBaseSource({ from: root, commit: null }, `${root}/folder`);
  assert.deepEqual([...Deno.readDirSync(`${root}/folder`)], []);
  assert.deepEqual(await readBaseSource(`${root}/folder`), { commit: null, ggufType: null });
  await Deno.remove(root, { recursive: true });
});
