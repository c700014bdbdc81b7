import assert from "node:assert/strict";
import { Arena } from "../../../train/costs/arena.ts";

const MIB = 1 << 20;

Deno.test("Arena hands out multiples of 256 bytes", () => {
  const arena = new Arena();
  assert.equal(arena.allocate(1).bytes, 256);
  assert.equal(arena.allocate(256).bytes, 256);
  assert.equal(arena.allocate(257).bytes, 512);
});

Deno.test("Arena adds regions twice as large each time, up to 1 GiB, and larger ones for what needs them", () => {
  const regions = (mibs: readonly number[]) => {
    const arena = new Arena();
    return mibs.map((mib) => {
      const before = arena.bytes;
      arena.allocate(mib * MIB);
      return (arena.bytes - before) / MIB;
    });
  };
  assert.deepEqual(regions([1, 2, 4, 8]), [1, 2, 4, 8]);
  assert.deepEqual(regions([1, 1, 1, 2]), [1, 2, 0, 4], "what is left of the second serves");
  assert.deepEqual(
    regions([9, 16, 32]),
    [16, 16, 32],
    "none is doubled after one that was made larger",
  );
  assert.deepEqual(regions([1024, 1024, 1024]), [1024, 1024, 1024]);
  assert.deepEqual(
    regions([1100, 1100, 1000]),
    [2048, 2048, 1024],
    "back to 1 GiB after larger ones",
  );
});

Deno.test("Arena keeps what is taken back, and gives the smallest chunk that is large enough", () => {
  const arena = new Arena();
  const [small, large] = [4, 8].map((mib) => arena.allocate(mib * MIB));
  for (const chunk of [large, small]) arena.free(chunk);
  const { bytes } = arena;
  assert.equal(arena.allocate(3 * MIB), small);
  assert.equal(arena.allocate(5 * MIB), large);
  assert.equal(arena.bytes, bytes);
});

Deno.test("Arena divides a chunk that is twice as large, and none that is less", () => {
  for (const [asked, given] of [[4, 4], [5, 8]] as const) {
    const arena = new Arena();
    arena.free(arena.allocate(8 * MIB));
    assert.equal(arena.allocate(asked * MIB).bytes, given * MIB);
  }
});

Deno.test("Arena divides a chunk of which 128 MiB would be wasted", () => {
  for (const [asked, given] of [[897, 1024], [896, 896]] as const) {
    const arena = new Arena();
    arena.free(arena.allocate(1024 * MIB));
    assert.equal(arena.allocate(asked * MIB).bytes, given * MIB);
  }
});

Deno.test("Arena makes one chunk of free neighbours, in whatever order they are taken back", () => {
  for (const order of [[0, 1, 2], [2, 1, 0], [0, 2, 1], [1, 0, 2]]) {
    const arena = new Arena();
    arena.free(arena.allocate(8 * MIB));
    const chunks = [2, 2, 4].map((mib) => arena.allocate(mib * MIB));
    assert.equal(arena.bytes, 8 * MIB);
    for (const i of order) arena.free(chunks[i]);
    arena.allocate(8 * MIB);
    assert.equal(arena.bytes, 8 * MIB, `taken back as ${order}`);
  }
});

Deno.test("Arena joins no chunks of two regions", () => {
  const arena = new Arena();
  for (const chunk of [arena.allocate(MIB), arena.allocate(2 * MIB)]) arena.free(chunk);
  arena.allocate(3 * MIB);
  assert.equal(arena.bytes, (1 + 2 + 4) * MIB);
});
