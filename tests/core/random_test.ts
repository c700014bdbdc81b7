import assert from "node:assert/strict";
import { Random } from "../../core/random.ts";

const draws = (random: Random, count: number) =>
  Array.from({ length: count }, () => random.uniform());
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

Deno.test("Random gives the same stream for the same seed and labels, another for others", () => {
  const stream = (...labels: string[]) => draws(Random.seeded(1, ...labels), 5);
  assert.deepEqual(stream("a"), stream("a"));
  assert.notDeepEqual(stream("a"), stream("b"));
  assert.notDeepEqual(stream("a", "b"), stream("ab"));
  assert.notDeepEqual(draws(Random.seeded(2, "a"), 5), stream("a"));
});

Deno.test("uniform() has the mean and variance of a uniform variable", () => {
  const values = draws(Random.seeded(0, "uniform"), 100_000);
  assert.ok(values.every((value) => value >= 0 && value < 1));
  assert.ok(Math.abs(mean(values) - 0.5) < 0.005);
  assert.ok(Math.abs(mean(values.map((value) => (value - 0.5) ** 2)) - 1 / 12) < 0.001);
});

Deno.test("normal() has mean 0, variance 1 and 5% beyond 1.96", () => {
  const random = Random.seeded(0, "normal");
  const values = Array.from({ length: 100_000 }, () => random.normal());
  assert.ok(Math.abs(mean(values)) < 0.015);
  assert.ok(Math.abs(mean(values.map((value) => value ** 2)) - 1) < 0.02);
  const beyond = values.filter((value) => Math.abs(value) > 1.96).length / values.length;
  assert.ok(Math.abs(beyond - 0.05) < 0.005);
});

Deno.test("integer() reaches every value about equally often", () => {
  const random = Random.seeded(0, "integer");
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, String(counts));
  assert.throws(() => random.integer(0), {
    message: "Expected n to be an integer from 1 to 2^32 but found 0.",
  });
});

Deno.test("shuffled() keeps every item, sample() repeats none", () => {
  const random = Random.seeded(3, "shuffle");
  const items = Array.from({ length: 20 }, (_, i) => i);
  const shuffled = random.shuffled(items);
  assert.notDeepEqual(shuffled, items);
  assert.deepEqual([...shuffled].sort((a, b) => a - b), items);
  assert.equal(new Set(random.sample(items, 10)).size, 10);
});

Deno.test("weighted() draws in proportion", () => {
  const random = Random.seeded(0, "weighted");
  const counts = [0, 0, 0];
  for (let i = 0; i < 40_000; i++) counts[random.weighted([1, 0, 3])]++;
  assert.equal(counts[1], 0);
  assert.ok(Math.abs(counts[2] / 40_000 - 0.75) < 0.01);
});
