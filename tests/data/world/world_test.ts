import assert from "node:assert/strict";
import { digestJson } from "../../../core/digest.ts";
import { splitOf } from "../../../data/world/splits.ts";
import { drawDemonstrations, drawPrompts } from "../../../data/world/world.ts";

Deno.test("drawDemonstrations() repeats itself for a seed, and for no other", () => {
  const [a, b, c] = [1, 1, 2].map((seed) => JSON.stringify([...drawDemonstrations(seed, 50)]));
  assert.equal(a, b);
  assert.notEqual(a, c);
});

Deno.test("drawDemonstrations() keeps its first rows when more are asked for", () => {
  assert.deepEqual([...drawDemonstrations(4, 10)], [...drawDemonstrations(4, 30)].slice(0, 10));
});

Deno.test("drawDemonstrations() never shows a held-out prompt", () => {
  const rows = [...drawDemonstrations(0, 2000)];
  assert.ok(rows.every(({ prompt }) => splitOf(prompt as string) === "train"));
  assert.deepEqual(rows.slice(0, 2).map(({ id }) => id), ["demonstration:1", "demonstration:2"]);
});

Deno.test("drawPrompts() draws from its split, unique ones for training", () => {
  for (const split of ["train", "validation", "test"] as const) {
    const rows = [...drawPrompts(0, split, 300)];
    assert.ok(rows.every(({ prompt }) => splitOf(prompt) === split));
    assert.equal(rows[299].id, `${split}:300`);
  }
  const train = [...drawPrompts(0, "train", 300)].map(({ prompt }) => prompt);
  assert.equal(new Set(train).size, 300);
});

Deno.test("drawDemonstrations() and drawPrompts() draw today what they always drew", () => {
  const drawn = [[...drawDemonstrations(0, 200)], [...drawPrompts(0, "test", 50)]];
  // Changes only when the world does, and then every result of `tiny` with it.
  assert.deepEqual(drawn.map((rows) => digestJson(rows).slice(0, 16)), [
    "e127b29e01c33dfa",
    "0fb18e78bda8ce44",
  ]);
});
