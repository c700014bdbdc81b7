import assert from "node:assert/strict";
import fc from "fast-check";
import { agreement, orderConsistency } from "../../../eval/stats/agreement.ts";

const LABELS = ["a", "b", "tie"] as const;

Deno.test("agreement() equals scikit-learn's cohen_kappa_score", () => {
  // python3 -c "from sklearn.metrics import cohen_kappa_score as k; L=('a','b','tie');
  //   print(k([L[i*5%7%3] for i in range(30)], [L[i*3%8%3] for i in range(30)]))"
  const a = Array.from({ length: 30 }, (_, i) => LABELS[i * 5 % 7 % 3]);
  const b = Array.from({ length: 30 }, (_, i) => LABELS[i * 3 % 8 % 3]);
  const { observed, kappa, n } = agreement(a, b);
  assert.ok(Math.abs(kappa! - 0.14141414141414144) < 1e-12, `${kappa}`);
  assert.ok(Math.abs(observed - 43.333333333333336) < 1e-12);
  assert.equal(n, 30);
});

Deno.test("agreement() is symmetric, 1 with itself, and no more than 1", () => {
  const label = fc.constantFrom(...LABELS);
  fc.assert(
    fc.property(fc.array(fc.tuple(label, label), { minLength: 1 }), (pairs) => {
      const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
      const { kappa } = agreement(a, b);
      if (kappa === null) assert.equal(new Set([...a, ...b]).size, 1);
      else {
        assert.ok(kappa <= 1);
        assert.ok(Math.abs(agreement(b, a).kappa! - kappa) < 1e-12);
      }
      assert.equal(agreement(a, a).observed, 100);
    }),
    { numRuns: 80, seed: 1 },
  );
});

Deno.test("agreement() refuses lists of different lengths", () => {
  assert.throws(() => agreement(["a"], []), {
    name: "RangeError",
    message: "Expected as many labels of a as of b, and at least 1, but found 1 and 0.",
  });
});

Deno.test("orderConsistency() tells a judge's bias for a place from one for an answer", () => {
  const found = orderConsistency(["a", "a", "b", "tie", "b"], ["a", "b", "a", "tie", "tie"]);
  assert.deepEqual(found, { consistent: 40, first: 20, second: 20, n: 5 });
});

Deno.test("orderConsistency() changes places when the answers do", () => {
  const verdict = fc.constantFrom(...LABELS);
  const swapped = { a: "b", b: "a", tie: "tie" } as const;
  fc.assert(
    fc.property(fc.array(fc.tuple(verdict, verdict), { minLength: 1 }), (pairs) => {
      const [x, y] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
      const named = orderConsistency(x, y);
      // Calling a what was b also exchanges which of the two lists is a's.
      const renamed = orderConsistency(y.map((v) => swapped[v]), x.map((v) => swapped[v]));
      assert.deepEqual(renamed, named);
      assert.ok(named.consistent + named.first + named.second <= 100 + 1e-9);
    }),
    { numRuns: 80, seed: 1 },
  );
});
