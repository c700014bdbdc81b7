import assert from "node:assert/strict";
import { join } from "node:path";
import { ballast, ballastJson } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { post, whileServing } from "../serving.ts";
import { writeSmallModel } from "./small_model.ts";

const SERVE = ["--model", "folder", "--threads", "1"];

interface Chat {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

Deno.test("serve-model answers as generate does, and stops cleanly at SIGTERM and SIGINT", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const prompt = "say black two times";
  const drawn = ["--temperature", "0.8", "--top-p", "0.9", "--seed", "3"];
  const { rows: [expected] } = await ballastJson<{ rows: { text: string }[] }>(
    [
      ...["generate", "--model", "folder", "--prompt", prompt, "--max-new-tokens", "12"],
      ...[...drawn, "--threads", "1"],
    ],
    { folder: scratch.path },
  );
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const named = signal === "SIGTERM" ? ["--model-name", "small"] : [];
    let served = "";
    const place = { args: [...SERVE, ...named], folder: scratch.path, signal };
    const { code, lines, stderr } = await whileServing(place, async ({ address, model }) => {
      assert.equal(model, signal === "SIGTERM" ? "small" : "folder");
      const { choices } = await post<Chat>(`${address}/chat/completions`, {
        model,
        messages: [{ role: "user", content: prompt }],
        max_tokens: 12,
        temperature: 0.8,
        top_p: 0.9,
        seed: 3,
      });
      assert.equal(choices[0].message.content, expected.text);
      served = address;
    });
    assert.match(served, /^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    assert.deepEqual([code, lines.length], [130, 1]);
    assert.doesNotMatch(stderr, /\n +at /);
    await assert.rejects(fetch(`${served}/models`), "nobody listens any more");
  }
});

Deno.test("serve-model takes a GGUF file and --max-tokens", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const args = ["--model", "model.gguf", "--max-tokens", "3"];
  await whileServing({ args, folder: scratch.path, signal: "SIGTERM" }, async (ready) => {
    assert.equal(ready.model, "model.gguf");
    const url = `${ready.address}/completions`;
    const { usage } = await post<{ usage: { completion_tokens: number } }>(url, {
      model: ready.model,
      prompt: "say black",
      temperature: 0,
    });
    assert(usage.completion_tokens <= 3);
  });
});

Deno.test("serve-model tells what is wrong by option", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const place = { folder: scratch.path };
  const refused = async (args: string[], expected: RegExp, code = 2) => {
    const called = await ballast(args, place);
    assert.deepEqual([called.code, called.stdout], [code, ""], called.stderr);
    assert.match(called.stderr, expected);
    assert.doesNotMatch(called.stderr, /\n +at /);
  };
  await refused(["serve-model", "--model", "nowhere"], /--model: Expected a file or folder at /);
  await refused(
    ["serve-model", ...SERVE, "--port", "70000"],
    /Expected a port's number, from 0 to 65535/,
  );
  await refused(["serve-model", ...SERVE, "--host", "a,b"], /--host: Expected a name or address/);
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String((taken.addr as Deno.NetAddr).port);
  await refused(
    ["serve-model", ...SERVE, "--port", port],
    /Port \d+ of 127\.0\.0\.1 is in use\./,
    1,
  );
  taken.close();
  assert((await Deno.stat(join(scratch.path, "folder"))).isDirectory);
});
