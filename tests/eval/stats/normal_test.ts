import assert from "node:assert/strict";
import fc from "fast-check";
import { normalCdf, normalQuantile } from "../../../eval/stats/normal.ts";

function assertClose(found: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(found - expected) <= tolerance, `${found} ≠ ${expected}`);
}

Deno.test("normalCdf() equals scipy's norm.cdf", () => {
  // python3 -c "import scipy.stats as s; print([s.norm.cdf(z) for z in (-7.5, -3.2, -.4, 0, 1.3, 5)])"
  const values = [
    ...[3.1908916729108844e-14, 0.0006871379379158471, 0.3445782583896758, 0.5],
    ...[0.9031995154143897, 0.9999997133484281],
  ];
  [-7.5, -3.2, -0.4, 0, 1.3, 5].forEach((z, i) => assertClose(normalCdf(z), values[i], 2e-15));
});

Deno.test("normalQuantile() equals scipy's norm.ppf", () => {
  // python3 -c "import scipy.stats as s; print([s.norm.ppf(p) for p in (1e-9, .025, .3, .5, .8, .999)])"
  const values = [
    ...[-5.9978070150076865, -1.9599639845400545, -0.5244005127080409, 0],
    ...[0.8416212335729143, 3.090232306167813],
  ];
  [1e-9, 0.025, 0.3, 0.5, 0.8, 0.999].forEach((mass, i) =>
    // Where little mass lies beyond, its rounding moves the quantile.
    assertClose(normalQuantile(mass), values[i], mass < 1e-6 ? 1e-7 : 1e-12)
  );
});

Deno.test("normalQuantile() undoes normalCdf() and is odd about one half", () => {
  fc.assert(
    fc.property(fc.double({ min: -5, max: 5, noNaN: true }), (z) => {
      assertClose(normalQuantile(normalCdf(z)), z, 1e-9);
      assertClose(normalCdf(z) + normalCdf(-z), 1, 1e-15);
    }),
    { numRuns: 60, seed: 1 },
  );
});

Deno.test("normalQuantile() refuses a mass that is no probability", () => {
  assert.throws(() => normalQuantile(1), {
    name: "RangeError",
    message: "Expected mass to be between 0 and 1 but found 1.",
  });
});
