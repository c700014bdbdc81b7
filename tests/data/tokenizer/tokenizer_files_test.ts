import assert from "node:assert/strict";
import { saveTokenizerFiles } from "../../../data/tokenizer/tokenizer_files.ts";

Deno.test("saveTokenizerFiles() copies a folder's tokenizer and nothing else, to be written on", async () => {
  const root = await Deno.makeTempDir();
  const from = `${root}/from`;
  await Deno.mkdir(from);
  for (const name of ["tokenizer.json", "chat_template.jinja", "model.safetensors"]) {
    await Deno.writeTextFile(`${from}/${name}`, `{"of": "${name}"}`, { mode: 0o444 });
  }
  await saveTokenizerFiles(from, `${root}/to`);
  const names = [...Deno.readDirSync(`${root}/to`)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["chat_template.jinja", "tokenizer.json"]);
  for (const name of names) {
    assert.equal(await Deno.readTextFile(`${root}/to/${name}`), `{"of": "${name}"}`);
    assert((await Deno.stat(`${root}/to/${name}`)).mode! & 0o200);
  }
  await Deno.remove(root, { recursive: true });
});
