import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import { readTokenizedFile } from "../../data/tokenize_file.ts";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { writeWorldTokenizer } from "../../data/world/tokenizer.ts";

Deno.test("readTokenizedFile() names the rows that a chat template refuses, and how many more", async () => {
  const root = await Deno.makeTempDir();
  try {
    await writeWorldTokenizer(root);
    const template = `${root}/fussy.jinja`;
    await Deno.writeTextFile(
      template,
      "{% if messages[0].content == 'copy cat' %}{{ raise_exception('No cats.') }}{% endif %}" +
        "{% for m in messages %}{{ m.content }}\n{% endfor %}",
    );
    const tokenizer = await loadTokenizer(root, { template });
    const path = `${root}/pairs.jsonl`;
    const read = async (prompts: readonly string[]) => {
      const rows = prompts.map((prompt) => ({ prompt, chosen: "dog .", rejected: "cat ." }));
      await Deno.writeTextFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
      return await readTokenizedFile({ path, tokenizer, maxLength: 9, maxPromptLength: 6 });
    };
    assert.equal((await read(["copy dog", "copy dog"])).length, 2);
    await assert.rejects(read(["copy dog", "copy cat", "copy dog", "copy cat"]), {
      name: "InputError",
      message: "2 problems:\n" +
        [2, 4].map((line) =>
          `  pair pairs.jsonl:${line}: ${template}: Expected the chat template to accept the ` +
          "messages but found: No cats."
        ).join("\n"),
    });
    const error = await read(Array(25).fill("copy cat")).catch((error) => error);
    assert(error instanceof InputError);
    assert.equal(error.problems.length, 21);
    assert.equal(error.problems[20].message, "5 more problems.");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
