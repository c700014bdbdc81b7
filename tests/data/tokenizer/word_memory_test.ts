import assert from "node:assert/strict";
import { WordMemory } from "../../../data/tokenizer/word_memory.ts";

Deno.test("WordMemory keeps what is asked for again, and forgets the rest in time", () => {
  const memory = new WordMemory();
  memory.set("kept", 1);
  memory.set("forgotten", 2);
  for (let i = 0; i < 140_000; i++) {
    memory.set(`word ${i}`, [i, i]);
    if (i % 30_000 === 0) assert.equal(memory.get("kept"), 1);
  }
  assert.equal(memory.get("kept"), 1);
  assert.equal(memory.get("forgotten"), undefined);
  assert.deepEqual(memory.get("word 139999"), [139_999, 139_999]);
});

Deno.test("WordMemory keeps no very long words", () => {
  const memory = new WordMemory();
  memory.set("x".repeat(65), 1);
  assert.equal(memory.get("x".repeat(65)), undefined);
  memory.set("thirteen characters and more", 7);
  assert.equal(memory.get("thirteen characters and more"), 7);
});
