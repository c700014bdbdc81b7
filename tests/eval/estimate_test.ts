import assert from "node:assert/strict";
import { estimate, recurrence } from "../../eval/estimate.ts";
import { bootstrapInterval } from "../../eval/stats/bootstrap.ts";

/** Values of as many prompts, which no other sample with another name has. */
const sample = (name: string, ...values: number[]) => ({
  items: values.map((_, i) => `${name}${i}`),
  values,
});

Deno.test("estimate() weighs seeds equally, however many items each has", () => {
  const seeds = [sample("a", 1, 1, 1, 1), sample("b", 3)];
  const { mean, perSeed, n, clusters, method } = estimate(seeds, { seed: 1 });
  assert.deepEqual([mean, perSeed, n, clusters, method], [2, [1, 3], 5, 5, "t over 2 seeds"]);
});

Deno.test("estimate() keeps the interval of a rate within its bounds", () => {
  const seeds = [sample("a", 100, 0), sample("b", 100, 100)];
  // 75 ± 12.706 · 25 would reach from −243 to 393.
  assert.deepEqual(estimate(seeds, { seed: 1, bounds: [0, 100] }).ci95, [0, 100]);
  assert.ok(estimate(seeds, { seed: 1 }).ci95![0] < -200);
});

Deno.test("estimate() gives no interval from one seed and one prompt", () => {
  const { ci95, method } = estimate([{ items: ["p", "p"], values: [1, 2] }], { seed: 1 });
  assert.deepEqual([ci95, method], [null, "one prompt"]);
});

Deno.test("estimate() is no narrower than the prompts allow when seeds share them", () => {
  const right = (share: number) =>
    sample("p", ...Array.from({ length: 200 }, (_, i) => i < share ? 100 : 0));
  const seeds = [right(120), right(121), right(122)];
  const { ci95, method, clusters, n } = estimate(seeds, { seed: 1 });
  assert.deepEqual([clusters, n], [200, 600]);
  assert.equal(method, "bootstrap over 200 prompts, 3 seeds together");
  // All seeds fare alike on each prompt, so three say little more than one.
  const [low, high] = bootstrapInterval(seeds[1], { seed: 1 });
  assert.ok(Math.abs(ci95![0] - low) < 1 && Math.abs(ci95![1] - high) < 1);
  const own = [sample("a", ...right(120).values), sample("b", ...right(121).values)];
  assert.equal(estimate(own, { seed: 1 }).method, "t over 2 seeds");
});

Deno.test("estimate() keeps t over seeds where it is wider than the bootstrap over shared prompts", () => {
  const { method } = estimate([sample("p", 1, 2, 3), sample("p", 7, 8, 9)], { seed: 1 });
  assert.equal(method, "t over 2 seeds");
});

Deno.test("estimate() keeps each mean at its seed's place when another seed has none", () => {
  const { perSeed, mean } = estimate([null, sample("a", 2, 2), sample("b", 4)], { seed: 1 });
  assert.deepEqual([perSeed, mean], [[null, 2, 4], 3]);
  assert.throws(() => estimate([null], { seed: 1 }), RangeError);
});

Deno.test("recurrence() tells whether prompts come again in another seed", () => {
  assert.equal(recurrence([sample("a", 1, 2), sample("b", 1, 2)]), "none");
  assert.equal(recurrence([sample("a", 1, 2), sample("a", 1)]), "some");
  assert.equal(recurrence([sample("a", 1, 2), sample("a", 3, 4)]), "all");
});
