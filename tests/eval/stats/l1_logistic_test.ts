import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../../core/random.ts";
import { fitL1Logistic, type LogisticRows, meanLogLoss } from "../../../eval/stats/l1_logistic.ts";

const N = 40;
const rows: LogisticRows = {
  features: [
    Float64Array.from({ length: N }, (_, i) => Math.tanh(((i * 7) % 13 - 6) / 4)),
    Float64Array.from({ length: N }, (_, i) => ((i * 5) % 11 - 5) / 5),
    Float64Array.from({ length: N }, (_, i) => i % 4 === 0 ? 0 : 1),
  ],
  labels: Float64Array.from(
    { length: N },
    (_, i) => 0.7 * ((i * 7) % 13) / 12 + 0.3 * ((i * 17) % 23) / 22,
  ),
  weights: Float64Array.from({ length: N }, (_, i) => i % 3 === 0 ? 0.1 : 1),
};

/** The penalised loss, written down a second time. */
function objective({ features, labels, weights }: LogisticRows, c: number, w: number[]) {
  let sum = 0;
  labels.forEach((label, row) => {
    const z = w.reduce((total, each, i) => total + each * features[i][row], 0);
    const p = 1 / (1 + Math.exp(-z));
    sum -= weights[row] * (label * Math.log(p) + (1 - label) * Math.log(1 - p));
  });
  return c * sum + w.reduce((total, each) => total + Math.abs(each), 0);
}

Deno.test("fitL1Logistic() equals scikit-learn's liblinear on rows written twice", () => {
  // X, y, w as above; LogisticRegression(penalty="l1", solver="liblinear", fit_intercept=False, C=C, tol=1e-12,
  //   max_iter=10**6).fit(n.r_[X, X], n.r_[n.ones(40), n.zeros(40)], n.r_[w*y, w*(1-y)]).coef_
  const expected: [number, number[]][] = [
    [0.2, [0, 0, 0]],
    [1, [1.0542888944311621, 0, 0]],
    [3, [1.3386795953895492, 0, -0.043647621684634486]],
    [1000, [1.7747995761474336, 0.40320510432660245, -0.14166707911960896]],
  ];
  for (const [strength, values] of expected) {
    const found = fitL1Logistic(rows, strength);
    values.forEach((value, i) =>
      assert.ok(Math.abs(found[i] - value) < 1e-6, `C = ${strength}: ${found}`)
    );
  }
});

Deno.test("fitL1Logistic() leaves no coefficient whose change lowers the penalised loss", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.double({ min: -2, max: 4, noNaN: true }),
      (seed, exponent) => {
        const random = Random.seeded(seed, "logistic");
        const normals = () => Float64Array.from({ length: 20 }, () => random.normal());
        const drawn: LogisticRows = {
          features: [normals(), normals(), normals()],
          labels: Float64Array.from({ length: 20 }, () => random.uniform()),
          weights: Float64Array.from({ length: 20 }, () => random.uniform()),
        };
        const strength = 10 ** exponent;
        const w = [...fitL1Logistic(drawn, strength)];
        const least = objective(drawn, strength, w);
        for (let i = 0; i < 3; i++) {
          for (const step of [-1e-3, 1e-3]) {
            const moved = w.map((each, j) => i === j ? each + step : each);
            assert.ok(objective(drawn, strength, moved) >= least - 1e-12 * Math.abs(least));
          }
        }
      },
    ),
    { numRuns: 60, seed: 1 },
  );
});

Deno.test("fitL1Logistic() gives a feature that is always 0 no coefficient, from any start", () => {
  const [first, second] = rows.features;
  const without: LogisticRows = { ...rows, features: [first, second, new Float64Array(N)] };
  const found = fitL1Logistic(without, 50, { start: Float64Array.of(3, -9, 2) });
  assert.equal(found[2], 0);
  fitL1Logistic(without, 50).forEach((each, i) => assert.ok(Math.abs(found[i] - each) < 1e-6));
});

Deno.test("meanLogLoss() is the weighted cross-entropy", () => {
  const one: LogisticRows = {
    features: [Float64Array.of(2), Float64Array.of(-1), Float64Array.of(0)],
    labels: Float64Array.of(0.25),
    weights: Float64Array.of(0.1),
  };
  const p = 1 / (1 + Math.exp(-1));
  const expected = -0.1 * (0.25 * Math.log(p) + 0.75 * Math.log(1 - p));
  const found = meanLogLoss(one, Float64Array.of(1, 1, 7));
  assert.ok(Math.abs(found - expected) < 1e-15);
});
