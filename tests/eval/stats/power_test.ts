import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../../core/random.ts";
import { normalCdf } from "../../../eval/stats/normal.ts";
import { standardError } from "../../../eval/stats/moments.ts";
import { detectableDifference, pairsNeeded } from "../../../eval/stats/power.ts";

Deno.test("pairsNeeded() equals the formula with scipy's quantiles", () => {
  // python3 -c "import numpy as n, scipy.stats as s; f=s.norm.ppf; print([int(n.ceil(((f(1-a/2)+f(p))*d/t)**2))
  //   for t,d,a,p in ((2,50,.05,.8),(2,35.5,.05,.9),(-.3,1.2,.01,.8))])"
  assert.equal(pairsNeeded(2, { deviation: 50 }), 4906);
  assert.equal(pairsNeeded(2, { deviation: 35.5, power: 0.9 }), 3311);
  assert.equal(pairsNeeded(-0.3, { deviation: 1.2, alpha: 0.01 }), 187);
});

Deno.test("pairsNeeded() pairs find the difference as often as it says", () => {
  const test = { deviation: 1, power: 0.8 };
  const n = pairsNeeded(0.5, test);
  const random = Random.seeded(1, "power");
  let found = 0;
  for (let experiment = 0; experiment < 4000; experiment++) {
    const values = Array.from({ length: n }, () => 0.5 + random.normal());
    const z = values.reduce((a, b) => a + b) / n / standardError(values);
    if (2 * normalCdf(-Math.abs(z)) < 0.05) found++;
  }
  assert.ok(Math.abs(found / 4000 - 0.8) < 0.04, `${found / 4000}`);
});

Deno.test("detectableDifference() is what pairsNeeded() needs that many pairs for", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 90 }), (n, sd) => {
      const test = { deviation: sd };
      const least = detectableDifference(n, test);
      assert.equal(pairsNeeded(least * (1 + 1e-9), test), n);
      assert.equal(pairsNeeded(least * (1 - 1e-9), test), n + 1);
    }),
    { numRuns: 60, seed: 1 },
  );
});

Deno.test("pairsNeeded() refuses a difference of 0", () => {
  assert.throws(() => pairsNeeded(0, { deviation: 1 }), {
    name: "RangeError",
    message: "Expected a difference other than 0 but found 0.",
  });
});
