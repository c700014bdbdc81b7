import assert from "node:assert/strict";
import { join } from "node:path";
import { float32 } from "../../../core/tensor.ts";
import { InputError } from "../../../core/problem.ts";
import { BLOCK_TYPES } from "../../../train/models/dequantise.ts";
import { parseModelConfig } from "../../../train/models/config.ts";
import { initializeModel, loadModel, saveModel } from "../../../train/models/model.ts";
import { requireInRange, STORAGE } from "../../../train/models/storage_dtype.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";

/** Numbers of these bits. */
const ofBits = (...bits: number[]) => new Float32Array(Uint32Array.from(bits).buffer);

function halves(bytes: Uint8Array): number[] {
  return [...new Uint16Array(bytes.slice().buffer)];
}

Deno.test("bfloat16 is the nearest upper half of a float32, ties to even; by hand", () => {
  const numbers = ofBits(
    0x3f800000, // 1
    0x3f807fff, // just below a tie
    0x3f808000, // a tie, down to even
    0x3f818000, // a tie, up to even
    0x3f808001, // just above a tie
    0x80000000, // −0
    0xff800000, // −∞
    0xc2f68000, // −123.25, a tie
    0x3fffffff, // carries into the exponent
  );
  const expected = [0x3f80, 0x3f80, 0x3f80, 0x3f82, 0x3f81, 0x8000, 0xff80, 0xc2f6, 0x4000];
  assert.deepEqual(halves(STORAGE.bfloat16.encode(numbers)), expected);
  const nans = ofBits(0x7fc00000, 0x7f800001, 0xffffffff);
  const decoded = new Float32Array(3);
  BLOCK_TYPES.BF16.decode(STORAGE.bfloat16.encode(nans), decoded, 0);
  assert(decoded.every(Number.isNaN));
});

Deno.test("float16 rounds to the nearest, ties to even; by hand", () => {
  const numbers = Float32Array.of(1, 2049, 2051, 65504, 65519, -(2 ** -24), 2 ** -25);
  const expected = [0x3c00, 0x6800, 0x6802, 0x7bff, 0x7bff, 0x8001, 0x0000];
  assert.deepEqual(halves(STORAGE.float16.encode(numbers)), expected);
});

for (const dtype of ["bfloat16", "float16"] as const) {
  Deno.test(`every finite ${dtype} is read and written as itself`, () => {
    const all = new Uint8Array(Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits).buffer);
    const numbers = new Float32Array(1 << 16);
    const type = dtype === "bfloat16" ? BLOCK_TYPES.BF16 : BLOCK_TYPES.F16;
    type.decode(all, numbers, 0);
    const again = halves(STORAGE[dtype].encode(numbers));
    const wrong = again.filter((bits, i) => Number.isFinite(numbers[i]) && bits !== i);
    assert.deepEqual(wrong, []);
  });
}

Deno.test("requireInRange() names each weight that would become infinite, and what holds it", () => {
  const weights = new Map([
    ["fits", float32([2], Float32Array.of(65519, -Infinity))],
    ["large", float32([2], Float32Array.of(1, -65520))],
    ["huge", float32([1], ofBits(0x7f7fffff))],
  ]);
  const problems = (dtype: "float16" | "bfloat16") => {
    try {
      requireInRange(weights, dtype);
    } catch (error) {
      return (error as InputError).problems;
    }
  };
  assert.deepEqual(problems("float16")?.map(({ path }) => path), ["large", "huge"]);
  assert.equal(
    problems("float16")?.[0].message,
    "Expected weights that float16 can hold but found one of size 65520. " +
      "Store them as bfloat16 or float32.",
  );
  assert.deepEqual(problems("bfloat16")?.map(({ path }) => path), ["huge"]);
  assert.doesNotThrow(() => requireInRange(weights, "float32"));
});

Deno.test("saveModel() in shards: none larger than told, an index of all, the same model", async () => {
  await using scratch = await ScratchFolder.make();
  const config = parseModelConfig({
    model_type: "llama",
    vocab_size: 40,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 2,
  }, "config.json");
  const model = initializeModel(config, 1);
  const most = 4000;
  await saveModel(model, scratch.path, { maxShardBytes: most });
  const { metadata, weight_map: map } = JSON.parse(
    await Deno.readTextFile(join(scratch.path, "model.safetensors.index.json")),
  ) as { metadata: { total_size: number }; weight_map: Record<string, string> };
  const bytes = (name: string) => model.weights.get(name)!.data.byteLength;
  assert.deepEqual(Object.keys(map), [...model.weights.keys()].sort());
  assert.equal(metadata.total_size, Object.keys(map).reduce((sum, name) => sum + bytes(name), 0));
  const shards = [...new Set(Object.values(map))];
  assert(shards.length > 2);
  for (const shard of shards) {
    const size = Object.keys(map).filter((name) => map[name] === shard)
      .reduce((sum, name) => sum + bytes(name), 0);
    assert(size <= most, `${shard}: ${size}`);
    assert.match(shard, new RegExp(`^model-0000\\d-of-0000${shards.length}\\.safetensors$`));
  }
  const again = await loadModel(scratch.path);
  assert.deepEqual(again, model);
});
