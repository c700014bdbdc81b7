import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../../core/random.ts";
import { bootstrapInterval, percentile } from "../../../eval/stats/bootstrap.ts";
import { mean } from "../../../eval/stats/moments.ts";
import { clusteredError } from "../../../eval/stats/sample.ts";

const values = Array.from({ length: 60 }, (_, i) => ((i * 37) % 100) / 10);
const items = values.map((_, i) => `p${i}`);

Deno.test("bootstrapInterval() agrees with scipy's percentile bootstrap", () => {
  // python3 -c "import numpy as n, scipy.stats as s; v=[(i*37%100)/10 for i in range(60)];
  //   print(s.bootstrap((v,), n.mean, method='percentile', n_resamples=200000, rng=n.random.default_rng(0)))"
  const [low, high] = bootstrapInterval({ items, values }, { seed: 3, resamples: 20_000 });
  assert.ok(Math.abs(low - 4.2467) < 0.03, `${low}`);
  assert.ok(Math.abs(high - 5.7167) < 0.03, `${high}`);
});

Deno.test("bootstrapInterval() of clusters agrees with scipy's, which draws their sums and counts together", () => {
  // python3 -c "import numpy as n, scipy.stats as s; v=[(i*37%100)/10 for i in range(60)];
  //   c=[x for x in ([v[i] for i in range(60) if i*i%23==k] for k in range(23)) if x];
  //   print(s.bootstrap(([sum(x) for x in c],[len(x) for x in c]), lambda a,b,axis: a.sum(axis)/b.sum(axis),
  //   paired=True, method='percentile', n_resamples=200000, batch=1000, rng=n.random.default_rng(0)))"
  const clusters = values.map((_, i) => `p${i * i % 23}`);
  const sample = { items: clusters, values };
  const [low, high] = bootstrapInterval(sample, { seed: 3, resamples: 20_000 });
  assert.ok(Math.abs(low - 4.4475) < 0.03, `${low}`);
  assert.ok(Math.abs(high - 5.4297) < 0.03, `${high}`);
  assert.ok(Math.abs(clusteredError(sample) - 0.25) < 0.02, `${clusteredError(sample)}`);
});

Deno.test("bootstrapInterval() gives the same interval for the same seed and another for another", () => {
  const first = bootstrapInterval({ items, values }, { seed: 1, resamples: 500 });
  assert.deepEqual(bootstrapInterval({ items, values }, { seed: 1, resamples: 500 }), first);
  assert.notDeepEqual(bootstrapInterval({ items, values }, { seed: 2, resamples: 500 }), first);
});

Deno.test("bootstrapInterval() does not narrow when every value is written twice", () => {
  const single = bootstrapInterval({ items, values }, { seed: 1, resamples: 500 });
  const twice = { items: [...items, ...items], values: [...values, ...values] };
  const doubled = bootstrapInterval(twice, { seed: 1, resamples: 500 });
  single.forEach((end, i) => assert.ok(Math.abs(end - doubled[i]) < 1e-9));
});

Deno.test("bootstrapInterval() lies within the values and follows a shift", () => {
  const bounded = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(bounded, fc.integer({ min: -9, max: 9 }), (list, shift) => {
      const names = list.map((_, i) => `${i % 7}`);
      const draws = { seed: 5, resamples: 50 };
      const [low, high] = bootstrapInterval({ items: names, values: list }, draws);
      assert.ok(Math.min(...list) <= low && low <= high && high <= Math.max(...list));
      const moved = { items: names, values: list.map((value) => value + shift) };
      bootstrapInterval(moved, draws).forEach((end, i) =>
        assert.ok(Math.abs(end - shift - [low, high][i]) < 1e-9)
      );
    }),
    { numRuns: 60, seed: 1 },
  );
});

Deno.test("bootstrapInterval() refuses items without values", () => {
  assert.throws(() => bootstrapInterval({ items: ["a"], values: [] }, { seed: 1 }), {
    name: "RangeError",
    message: "Expected as many items as values, and at least 1, but found 1 items and 0 values.",
  });
});

Deno.test("percentile() equals numpy.percentile", () => {
  // python3 -c "import numpy as n; print([n.percentile([1,2,4,8,16],p) for p in (0,2.5,33,97.5,100)])"
  const found = [0, 2.5, 33, 97.5, 100].map((p) => percentile([1, 2, 4, 8, 16], p));
  [1, 1.1, 2.64, 15.2, 16].forEach((value, i) => assert.ok(Math.abs(found[i] - value) < 1e-12));
});

Deno.test("mean() lies between the least and the greatest value", () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (list) => {
      const centre = mean(list);
      assert.ok(Math.min(...list) - 1e-6 <= centre && centre <= Math.max(...list) + 1e-6);
    }),
    { numRuns: 50, seed: 1 },
  );
});

Deno.test("clusteredError() is a quarter of the bootstrap interval's width, and sees the prompt as the unit", () => {
  const random = Random.seeded(3, "clustered error");
  const values = Array.from({ length: 400 }, () => random.uniform());
  const apart = { items: values.map((_, i) => `p${i}`), values };
  const [low, high] = bootstrapInterval(apart, { seed: 1 });
  assert.ok(Math.abs(clusteredError(apart) / ((high - low) / 3.92) - 1) < 0.05);
  const doubled = { items: [...apart.items, ...apart.items], values: [...values, ...values] };
  assert.ok(Math.abs(clusteredError(doubled) - clusteredError(apart)) < 1e-12);
});
