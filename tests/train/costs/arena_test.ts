import assert from "node:assert/strict";
import { Arena } from "../../../train/costs/arena.ts";

const MIB = 1 << 20;

Deno.test("Arena hands out multiples of 256 bytes, each from a region of its own where nothing is free", () => {
  const arena = new Arena();
  assert.equal(arena.allocate(1).bytes, 256);
  assert.equal(arena.allocate(256).bytes, 256);
  assert.equal(arena.allocate(257).bytes, 512);
  assert.equal(arena.bytes, 1024);
});

Deno.test("Arena keeps what is taken back, and gives the smallest chunk that is large enough", () => {
  const arena = new Arena();
  const [large, middle, small] = [2.5, 2, 1].map((mib) => arena.allocate(mib * MIB));
  for (const chunk of [large, middle, small]) arena.free(chunk);
  assert.equal(arena.allocate(1.5 * MIB), middle);
  assert.equal(arena.allocate(1.5 * MIB), large);
  assert.equal(arena.bytes, 5.5 * MIB);
  arena.allocate(1.5 * MIB);
  assert.equal(arena.bytes, 7 * MIB, "the smallest is too small");
});

Deno.test("Arena divides a chunk that is twice as large, and none that is less", () => {
  for (const [asked, given] of [[4, 4], [5, 8]] as const) {
    const arena = new Arena();
    arena.free(arena.allocate(8 * MIB));
    assert.equal(arena.allocate(asked * MIB).bytes, given * MIB);
    arena.allocate(2 * MIB);
    assert.equal(arena.bytes, (given === 4 ? 8 : 10) * MIB, "what was divided off serves");
  }
});

Deno.test("Arena divides a chunk of which 128 MiB would be wasted", () => {
  for (const [wasted, given] of [[127, 1127], [128, 1000]] as const) {
    const arena = new Arena();
    arena.free(arena.allocate((1000 + wasted) * MIB));
    assert.equal(arena.allocate(1000 * MIB).bytes, given * MIB);
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
  for (const chunk of [arena.allocate(MIB), arena.allocate(MIB)]) arena.free(chunk);
  arena.allocate(2 * MIB);
  assert.equal(arena.bytes, 4 * MIB);
});
