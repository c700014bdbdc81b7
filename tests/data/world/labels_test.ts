import assert from "node:assert/strict";
import { Random } from "../../../core/random.ts";
import { prefersFirst } from "../../../data/world/labels.ts";

Deno.test("prefersFirst() prefers as often as Bradley and Terry say", () => {
  const random = Random.seeded(2, "test");
  let first = 0;
  for (let i = 0; i < 20000; i++) if (prefersFirst(random, { a: 0.75, b: 0.5 }, 0.25)) first++;
  // σ(0.25 / 0.25) = 1 / (1 + e⁻¹) = 0.7311; standard error 0.0031.
  assert.ok(Math.abs(first / 20000 - 0.7311) < 0.0125);
});

Deno.test("prefersFirst() at temperature 0 always prefers the higher reward", () => {
  const random = Random.seeded(2, "test");
  for (let i = 0; i < 100; i++) {
    assert.equal(prefersFirst(random, { a: 0.3, b: 0.2 }, 0), true);
    assert.equal(prefersFirst(random, { a: 0.2, b: 0.3 }, 0), false);
    assert.equal(prefersFirst(random, { a: 0.2, b: 0.2 }, 0), false);
  }
});

Deno.test("prefersFirst() refuses a negative temperature", () => {
  assert.throws(
    () => prefersFirst(Random.seeded(0), { a: 1, b: 0 }, -0.1),
    new RangeError("Expected temperature to be at least 0 but found -0.1."),
  );
});
