import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT } from "../../end_to_end/ballast.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { ignore, unless } from "../../train/runtime/ffi_available.ts";

const [SHARED, CUDA] = ["shared", "cuda"].map((name) => `libonnxruntime_providers_${name}.so`);

/** What a tool says that refuses to work. */
async function refusal(tool: string, args: readonly string[]): Promise<string> {
  const rights = ["read", "write", "run", "env", "sys", "ffi"].map((name) => `--allow-${name}`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", ...rights, join(PROJECT, "tools", tool), ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const [printed, noted] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.deepEqual([code, printed], [1, ""], noted);
  assert.doesNotMatch(noted, /\.ts:\d/, "a sentence, no stack");
  return noted;
}

Deno.test({
  name: `setup:cuda names the folder of --from and the files that it expects there${unless}`,
  ignore,
  async fn() {
    await using scratch = await ScratchFolder.make();
    const says = (missing: string) =>
      `--from: Expected ${SHARED} and ${CUDA}, of com.github.asus4.onnxruntime.linux-x64-gpu ` +
      `0.4.9 (there in Plugins/Linux/x64), in ${scratch.path} but did not find ${missing}.\n`;
    const args = ["--from", scratch.path];
    assert((await refusal("cuda/setup.ts", args)).startsWith(says(`${SHARED} and ${CUDA}`)));
    await Deno.writeTextFile(join(scratch.path, SHARED), "");
    assert((await refusal("cuda/setup.ts", args)).startsWith(says(CUDA)));
  },
});

Deno.test("packing names the folder of --provider and the files that it expects there", async () => {
  await using scratch = await ScratchFolder.make();
  const out = join(scratch.path, "out");
  const noted = await refusal("gpu/pack.ts", ["--provider", scratch.path, "--out", out]);
  assert.match(
    noted,
    new RegExp(`^--provider: Expected ${SHARED} and ${CUDA}, .* but did not find`),
  );
  assert.equal(await refusal("gpu/pack.ts", []), "Expected --provider and --out.\n");
});
