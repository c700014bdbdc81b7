import assert from "node:assert/strict";
import { BLOCK_TYPES, type BlockTypeName } from "../../../train/models/dequantise.ts";

/** Made by gguf-py: see make_blocks.py beside it. */
const fixture = JSON.parse(
  Deno.readTextFileSync(new URL("../../fixtures/gguf/blocks.json", import.meta.url)),
) as Record<BlockTypeName, { type: number; bytes: string; values: string }>;

Deno.test("the fixture holds every type that is read", () => {
  assert.deepEqual(Object.keys(fixture).sort(), Object.keys(BLOCK_TYPES).sort());
});

for (const [name, type] of Object.entries(BLOCK_TYPES)) {
  Deno.test(`${name} is decoded to the bits that gguf-py decodes it to`, () => {
    const { type: id, bytes, values } = fixture[name as BlockTypeName];
    const stored = Uint8Array.fromBase64(bytes);
    const expected = new Float32Array(Uint8Array.fromBase64(values).buffer);
    assert.equal(type.id, id);
    assert.equal(stored.length / type.bytes * type.values, expected.length);
    const out = new Float32Array(expected.length + 2).fill(7);
    type.decode(stored, out, 1);
    assert.deepEqual(out.subarray(1, -1), expected);
    assert.deepEqual([out[0], out.at(-1)], [7, 7], "nothing beside its place is written");
    assert(new Set(expected).size > 16, "the fixture tells values apart");
  });
}
