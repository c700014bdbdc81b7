import assert from "node:assert/strict";
import { join } from "node:path";
import { writeSmallModel } from "../cli/small_model.ts";
import { ballast, type RunDocument } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

Deno.test("rows that a chat template refuses are named, and nothing is kept of the others", async () => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  await writeSmallModel(scratch.path);
  const write = (name: string, text: string) => Deno.writeTextFile(join(scratch.path, name), text);
  await write(
    "fussy.jinja",
    "{% if messages[0].content == 'bad' %}{{ raise_exception('Not bad.') }}{% endif %}" +
      "{% for m in messages %}{{ m.content }}<|end|>{% endfor %}",
  );
  const row = (prompt: string) => `${JSON.stringify({ prompt, chosen: "a", rejected: "b" })}\n`;
  const rows = ["good", "bad", "good", ...Array(23).fill("bad")].map(row).join("");
  await Deno.mkdir(join(scratch.path, "pairs"));
  await write("pairs/train_prefs.jsonl", rows);
  await write("pairs/test_prefs.jsonl", row("good"));
  await write(
    "fussy.yaml",
    `recipe: fussy
describe: A template that refuses some prompts.
stages:
  data: { uses: read-pairs, params: { path: pairs } }
  model: { uses: base-model, params: { path: model.gguf, chatTemplate: fussy.jinja } }
  tokens:
    uses: tokenize
    inputs: { pairs: data.train, tokenizer: model.tokenizer }
    params: { maxLength: 32, maxPromptLength: 16 }
`,
  );
  const args = ["run", "tokens", "--recipe", "fussy.yaml", "--store", "store", "--json"];
  const { code, stdout } = await ballast(args, place);
  assert.equal(code, 1);
  const { failed } = JSON.parse(stdout) as RunDocument;
  assert.deepEqual(failed.map(({ id }) => id), ["tokens"]);
  const named = [...failed[0].error.matchAll(/pair train_prefs\.jsonl:(\d+): .*: Not bad\.$/gm)];
  assert.deepEqual(named.map(([, line]) => Number(line)), [
    ...[2, ...Array.from({ length: 19 }, (_, i) => 4 + i)],
  ]);
  assert.match(failed[0].error, /…: 4 more problems\.$/);
  const types = [...Deno.readDirSync(join(scratch.path, "store/objects"))].flatMap(({ name }) =>
    [...Deno.readDirSync(join(scratch.path, "store/objects", name))].map((object) =>
      JSON.parse(Deno.readTextFileSync(
        join(scratch.path, "store/objects", name, object.name, "artifact.json"),
      )).type
    )
  );
  assert.deepEqual(types.sort(), ["model", "pairs", "pairs", "tokenizer"]);
  assert.deepEqual([...Deno.readDirSync(join(scratch.path, "store/tmp"))], []);

  const logps = ["logps", "--model", "model.gguf", "--template", "fussy.jinja", "--json"];
  const files = ["--pairs", "pairs/train_prefs.jsonl", "--max-length", "32"];
  const refused = await ballast([...logps, ...files, "--max-prompt-length", "16"], place);
  assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /pair train_prefs\.jsonl:2: .*fussy\.jinja: .*: Not bad\.\n/);
  assert.match(refused.stderr, /…: 4 more problems\./);
});
