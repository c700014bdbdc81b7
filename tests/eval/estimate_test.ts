import assert from "node:assert/strict";
import { estimate } from "../../eval/estimate.ts";

const sample = (...values: number[]) => ({ items: values.map((_, i) => `p${i}`), values });

Deno.test("estimate() weighs seeds equally, however many items each has", () => {
  const { mean, perSeed, n } = estimate([sample(1, 1, 1, 1), sample(3)], { seed: 1 });
  assert.deepEqual([mean, perSeed, n], [2, [1, 3], 5]);
});

Deno.test("estimate() keeps the interval of a rate within its bounds", () => {
  const seeds = [sample(100, 0), sample(100, 100)];
  // 75 ± 12.706 · 25 would reach from −243 to 393.
  assert.deepEqual(estimate(seeds, { seed: 1, bounds: [0, 100] }).ci95, [0, 100]);
  assert.ok(estimate(seeds, { seed: 1 }).ci95![0] < -200);
});

Deno.test("estimate() gives no interval from one seed and one prompt", () => {
  const { ci95, method } = estimate([{ items: ["p", "p"], values: [1, 2] }], { seed: 1 });
  assert.deepEqual([ci95, method], [null, "one prompt"]);
});
