import assert from "node:assert/strict";
import fc from "fast-check";
import { signFlipTest } from "../../../eval/stats/sign_flip.ts";

const sample = (values: readonly number[]) => ({ items: values.map((_, i) => `p${i}`), values });

Deno.test("signFlipTest() equals scipy's exact permutation_test of paired samples", () => {
  // python3 -c "import numpy as n, scipy.stats as s; print([s.permutation_test((n.array(d),), lambda a: a.sum(),
  //   permutation_type='samples', n_resamples=n.inf, vectorized=False).pvalue for d in
  //   ([.5,-.25,1,.75,0,-.125,.375,.625], [1,1,2,-1,3])])"
  const first = sample([0.5, -0.25, 1, 0.75, 0, -0.125, 0.375, 0.625]);
  assert.equal(signFlipTest(first, { seed: 1 }), 0.078125);
  assert.equal(signFlipTest(sample([1, 1, 2, -1, 3]), { seed: 1 }), 0.25);
});

Deno.test("signFlipTest() by Monte Carlo agrees with scipy on forty pairs", () => {
  // the same call on [((i*29)%41-18)/10 for i in range(40)] with n_resamples=400000: 0.2594
  const values = Array.from({ length: 40 }, (_, i) => ((i * 29) % 41 - 18) / 10);
  const p = signFlipTest(sample(values), { seed: 1, resamples: 40_000 });
  assert.ok(Math.abs(p - 0.2594) < 0.01, `${p}`);
});

Deno.test("signFlipTest() flips all values of one prompt together", () => {
  // Two clusters, sums 3 and 3: of the four patterns two are as far from zero as seen.
  const differences = { items: ["a", "a", "a", "b"], values: [1, 1, 1, 3] };
  assert.equal(signFlipTest(differences, { seed: 1 }), 0.5);
});

Deno.test("signFlipTest() is 1 when nothing differs and symmetric in sign", () => {
  assert.equal(signFlipTest(sample([0, 0, 0]), { seed: 1 }), 1);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 8 }),
      (list) => {
        const p = signFlipTest(sample(list), { seed: 1 });
        assert.ok(p > 0 && p <= 1);
        assert.equal(signFlipTest(sample(list.map((value) => -value)), { seed: 1 }), p);
      },
    ),
    { numRuns: 60, seed: 1 },
  );
});

Deno.test("signFlipTest() is never 0, however far the pairs are apart", () => {
  const p = signFlipTest(sample(new Array(100).fill(1)), { seed: 1, resamples: 999 });
  assert.equal(p, 0.001);
});
