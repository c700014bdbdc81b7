import assert from "node:assert/strict";
import { join } from "node:path";
import { ballast, ballastJson } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { writeSmallModel } from "./small_model.ts";
import { saveTokenizerFiles } from "../../data/tokenizer/tokenizer_files.ts";
import { TEMPLATE } from "./small_tokenizer.ts";

const files = ["--pairs", "pairs.jsonl", "--max-length", "40", "--max-prompt-length", "20"];

interface LogpsDocument {
  rows: { chosenLogp: number }[];
}

Deno.test("logps and train take a GGUF file for a model, and its folder loads again", async (t) => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  await writeSmallModel(scratch.path);
  const logps = (model: string, more: readonly string[] = []) =>
    ballastJson<LogpsDocument>(["logps", "--model", model, ...files, ...more], place);
  const before = await logps("model.gguf");

  await t.step("logps gives what it gives of the same model's folder", async () => {
    assert.deepEqual(before, await logps("folder"));
  });

  const training = [
    "--loss",
    "rpo",
    "--beta",
    "0.1",
    "--eta",
    "0.1",
    "--sft",
    "sum",
    "--lr",
    "1e-2",
  ];
  const train = (model: string, more: readonly string[]) =>
    ballastJson<{ steps: unknown[] }>([
      ...["train", "--model", model, ...files, ...training, "--steps", "2", "--batch-pairs", "2"],
      ...more,
    ], place);

  await t.step(
    "train gives what it gives of that folder, tokenizer and template included",
    async () => {
      const [fromFile, fromFolder] = [
        await train("model.gguf", ["--out", "a", "--reference", "model.gguf"]),
        await train("folder", ["--out", "b"]),
      ];
      assert.deepEqual(fromFile.steps, fromFolder.steps);
      const after = await logps("a");
      assert.deepEqual(after, await logps("b"));
      after.rows.forEach((row, i) => assert(row.chosenLogp > before.rows[i].chosenLogp));
      assert.equal(await Deno.readTextFile(join(scratch.path, "a/chat_template.jinja")), TEMPLATE);
    },
  );

  await t.step("an adapter that was trained on it fits it", async () => {
    await train("model.gguf", ["--out", "adapter", "--lora-rank", "2"]);
    const adapted = await ballastJson<LogpsDocument>(
      ["logps", "--model", "model.gguf", "--adapter", "adapter", ...files],
      place,
    );
    adapted.rows.forEach((row, i) => assert(row.chosenLogp > before.rows[i].chosenLogp));
  });

  await t.step("a file whose tokenizer is not read is read with another's", async () => {
    const { code, stderr } = await ballast(["logps", "--model", "pieces.gguf", ...files], place);
    assert.equal(code, 1);
    assert.match(stderr, /Name a Hugging Face folder that holds .*tokenizer\.json: --tokenizer/);
    const tokenizer = ["--tokenizer", "folder"];
    assert.deepEqual(await logps("pieces.gguf", tokenizer), before);
    await train("pieces.gguf", ["--out", "c", ...tokenizer]);
    assert.deepEqual(await logps("c"), await logps("b"));
    const generate = (model: string, more: readonly string[] = []) =>
      ballastJson(
        ["generate", "--model", model, "--prompt", "say", "--max-new-tokens", "3", ...more],
        place,
      );
    assert.deepEqual(await generate("pieces.gguf", tokenizer), await generate("folder"));
    const larger = join(scratch.path, "larger");
    await saveTokenizerFiles(join(scratch.path, "folder"), larger);
    const json = JSON.parse(await Deno.readTextFile(`${larger}/tokenizer.json`));
    json.added_tokens.push({ ...json.added_tokens[0], id: 280, content: "<|more|>" });
    await Deno.writeTextFile(`${larger}/tokenizer.json`, JSON.stringify(json));
    const args = ["logps", "--model", "pieces.gguf", ...files, "--tokenizer", "larger"];
    const refused = await ballast(args, place);
    assert.match(
      refused.stderr,
      /larger: Expected at most 280 tokens, as the model has, but found 281/,
    );
  });

  await t.step("logps and train take another template, and train keeps it", async () => {
    const template = "{% for m in messages %}{{ m.content + '<|end|>' }}{% endfor %}";
    await Deno.writeTextFile(join(scratch.path, "plain.jinja"), template);
    const chosen = ["--template", "plain.jinja"];
    const with_ = await logps("model.gguf", chosen);
    assert.notDeepEqual(with_, before);
    await train("model.gguf", ["--out", "d", ...chosen]);
    assert.equal(await Deno.readTextFile(join(scratch.path, "d/chat_template.jinja")), template);
    assert.deepEqual(await logps("d"), await logps("d", chosen));
  });

  await t.step("a damaged file is refused by name, by every command alike", async () => {
    const bytes = await Deno.readFile(join(scratch.path, "model.gguf"));
    await Deno.writeFile(join(scratch.path, "cut.gguf"), bytes.subarray(0, -4000));
    const commands = [
      ["logps", ...files],
      ["train", ...files, ...training, "--steps", "2", "--batch-pairs", "2", "--out", "e"],
      ["generate", "--prompt", "say", "--max-new-tokens", "3"],
      ["export", "--out", "f"],
    ];
    for (const [command, ...rest] of commands) {
      const args = [command, "--model", "cut.gguf", ...rest, "--json"];
      const { code, stdout, stderr } = await ballast(args, place);
      assert.deepEqual([command, code, stdout], [command, 1, ""]);
      assert.match(stderr, /cut\.gguf: \S+: Expected it to end within the file's \d+ bytes/);
      assert.doesNotMatch(stderr, /\n +at /);
    }
  });
});
