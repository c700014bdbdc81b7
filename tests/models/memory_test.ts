import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { formatModelConfig } from "../../train/models/config_format.ts";
import { loadModel, saveModel } from "../../train/models/model.ts";
import { parametersOf } from "../../train/models/parameters.ts";
import { PROJECT } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { writeZeros } from "../zero_weights.ts";
import { NEEDS, present, SMOLLM2 } from "./smollm2.ts";

interface Loading {
  /** Of the float32 weights. */
  readonly bytes: number;
  /** Most resident memory of the process, in bytes. */
  readonly peak: number;
}

/** Loads a model in a process of its own, or copies it to a folder. */
async function load(path: string, copy?: string): Promise<Loading> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-read",
      "--allow-run=cat",
      ...(copy === undefined ? [] : [`--allow-write=${copy}`]),
      join(PROJECT, "tests/models/load_child.ts"),
      path,
      ...(copy === undefined ? [] : [copy]),
    ],
    cwd: PROJECT,
    stderr: "inherit",
  }).output();
  assert.equal(code, 0);
  return JSON.parse(new TextDecoder().decode(stdout)) as Loading;
}

Deno.test({
  name: `loadModel() holds at most 1.3 times the float32 weights ${NEEDS}`,
  ignore: !present || Deno.build.os !== "linux",
  async fn(t) {
    await using scratch = await ScratchFolder.make();
    const model = await loadModel(SMOLLM2);
    const check = async (path: string) => {
      const { bytes, peak } = await load(path);
      assert.equal(bytes, 538_060_032);
      assert(peak <= 1.3 * bytes, `${peak} bytes, ${(peak / bytes).toFixed(2)} times`);
    };
    await t.step("of a GGUF file", () => check(SMOLLM2));
    await t.step("of a safetensors file in float32", async () => {
      await saveModel(model, join(scratch.path, "float32"));
      await check(join(scratch.path, "float32"));
    });
    await t.step("of two safetensors shards in bfloat16", async () => {
      const folder = join(scratch.path, "bfloat16");
      await Deno.mkdir(folder);
      const config = JSON.stringify(formatModelConfig(model.config));
      await Deno.writeTextFile(join(folder, "config.json"), config);
      const parameters = parametersOf(model.config);
      const shards = {
        "a.safetensors": parameters.slice(0, 9),
        "b.safetensors": parameters.slice(9),
      };
      const map: Record<string, string> = {};
      for (const [shard, part] of Object.entries(shards)) {
        await writeZeros(join(folder, shard), part);
        for (const { name } of part) map[name] = shard;
      }
      const index = JSON.stringify({ weight_map: map });
      await Deno.writeTextFile(join(folder, "model.safetensors.index.json"), index);
      await check(folder);
    });
  },
});

Deno.test({
  name: `copyModel() holds one weight of a GGUF file, and writes what loadModel() reads ${NEEDS}`,
  ignore: !present || Deno.build.os !== "linux",
  async fn() {
    await using scratch = await ScratchFolder.make();
    const folder = join(scratch.path, "copied");
    const { bytes, peak } = await load(SMOLLM2, folder);
    // The process takes some 100 MB, the largest weight 113 MB: less than half of all weights.
    assert(peak <= 0.6 * bytes, `${peak} bytes, ${(peak / bytes).toFixed(2)} times`);
    const [copied, read] = [await loadModel(folder), await loadModel(SMOLLM2)];
    assert.deepEqual([...copied.weights.keys()], [...read.weights.keys()]);
    for (const [name, { dims, data }] of read.weights) {
      assert.deepEqual(copied.weights.get(name)!.dims, dims, name);
      // Bytes, not numbers: comparing millions of numbers one by one takes minutes.
      const same = Buffer.compare(bytesOf(copied.weights.get(name)!.data), bytesOf(data)) === 0;
      assert(same, name);
    }
  },
});

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
