import assert from "node:assert/strict";
import { writePrompts } from "../../data/pairs_file.ts";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { writeWorldTokenizer } from "../../data/world/tokenizer.ts";
import { readWorldPrompts, worldReplies } from "../../eval/world_prompts.ts";
import { encode } from "./world_model.ts";

async function withWorld(
  prompts: readonly string[],
  check: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await writeWorldTokenizer(folder);
    await writePrompts(folder, prompts.map((prompt, i) => ({ id: `t:${i + 1}`, prompt })));
    await check(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readWorldPrompts() reads prompts as the model does", async () => {
  await withWorld(["copy dog cat", "name two fruits", "say fig two times"], async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const prompts = await readWorldPrompts(folder, tokenizer, 2);
    assert.deepEqual(prompts.map(({ id }) => id), ["t:1", "t:2"]);
    assert.deepEqual(prompts[0].tokens, encode("<bos> copy dog cat <sep>"));
  });
});

Deno.test("readWorldPrompts() names every row that is no prompt of the world", async () => {
  await withWorld(["copy dog cat", "write a poem", "name nine fruits"], async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    await assert.rejects(readWorldPrompts(folder, tokenizer), {
      name: "InputError",
      message: [
        "2 problems:",
        '  prompts.jsonl: t:2: Expected a prompt of the world, such as "name two fruits then three ' +
        'tools", but found "write a poem".',
        '  prompts.jsonl: t:3: Expected a prompt of the world, such as "name two fruits then three ' +
        'tools", but found "name nine fruits".',
      ].join("\n"),
    });
  });
});

Deno.test("worldReplies() ends at the end token and keeps special words in the text", async () => {
  await withWorld([], async (folder) => {
    const { stopTokens, decode } = worldReplies(await loadTokenizer(folder));
    assert.deepEqual(stopTokens, [...encode("<eos>")]);
    assert.equal(decode(encode("dog <bos> cat .")), "dog <bos> cat .");
  });
});
