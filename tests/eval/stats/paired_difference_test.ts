import assert from "node:assert/strict";
import fc from "fast-check";
import { pairedDifference } from "../../../eval/stats/paired_difference.ts";

const a = new Map(Array.from({ length: 12 }, (_, k) => [`p${k}`, (k * 37 % 100) / 10]));
const b = new Map(Array.from({ length: 12 }, (_, k) => [`p${k}`, (k * 53 % 90) / 10]));

Deno.test("pairedDifference() equals scipy's figures", () => {
  // python3 -c "import numpy as n, scipy.stats as s; d=n.array([(k*37%100-k*53%90)/10 for k in range(12)]);
  //   print(d.mean(), d.std(ddof=1), s.permutation_test((d,), lambda q: q.sum(), permutation_type='samples',
  //   n_resamples=n.inf, vectorized=False).pvalue, s.bootstrap((d,), n.mean, method='percentile',
  //   n_resamples=200000, rng=n.random.default_rng(0)).confidence_interval)"
  const found = pairedDifference(a, b, { seed: 1, resamples: 40_000 })!;
  assert.ok(Math.abs(found.difference - 0.1166666666666667) < 1e-12);
  assert.ok(Math.abs(found.deviation! - 3.3924604461640935) < 1e-12);
  assert.equal(found.pValue, 0.900390625);
  assert.ok(Math.abs(found.ci95![0] + 1.7) < 0.06, `${found.ci95}`);
  assert.ok(Math.abs(found.ci95![1] - 1.9667) < 0.06, `${found.ci95}`);
});

Deno.test("pairedDifference() takes the items that both have, in any order", () => {
  const some = new Map([...b].reverse().slice(0, 9));
  const found = pairedDifference(a, some, { seed: 1 })!;
  assert.deepEqual([found.n, found.unpaired], [9, 3]);
  const same = pairedDifference(new Map([...a].slice(3)), new Map([...b].slice(3)), { seed: 1 })!;
  assert.equal(found.difference, same.difference);
  assert.equal(pairedDifference(a, new Map([["other", 1]]), { seed: 1 }), null);
});

Deno.test("pairedDifference() turns its sign with the systems", () => {
  const values = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })),
    {
      minLength: 1,
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(values, (pairs) => {
      const [x, y] = [0, 1].map((side) => new Map(pairs.map((pair, i) => [`${i}`, pair[side]])));
      const [there, back] = [
        pairedDifference(x, y, { seed: 1, resamples: 50 })!,
        pairedDifference(y, x, { seed: 1, resamples: 50 })!,
      ];
      assert.ok(Math.abs(there.difference + back.difference) < 1e-12);
      assert.equal(there.pValue, back.pValue);
    }),
    { numRuns: 60, seed: 1 },
  );
});

Deno.test("pairedDifference() does not count turns of one question as independent", () => {
  const turns = (map: Map<string, number>) =>
    new Map([...map].flatMap(([item, value]) => [[`${item}:1`, value], [`${item}:2`, value]]));
  const clusterOf = (item: string) => item.split(":")[0];
  const single = pairedDifference(a, b, { seed: 1 })!;
  const doubled = pairedDifference(turns(a), turns(b), { seed: 1, clusterOf })!;
  assert.equal(doubled.pValue, single.pValue);
  single.ci95!.forEach((end, i) => assert.ok(Math.abs(end - doubled.ci95![i]) < 1e-9));
});
