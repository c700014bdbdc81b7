import assert from "node:assert/strict";
import {
  studentTCentral,
  studentTInterval,
  studentTQuantile,
} from "../../../eval/stats/student_t.ts";

// python3 -c "import scipy.stats as s; print([s.t.ppf((1+m)/2, df) for df in (1,2,3,4,9,30) for m in (.5,.95,.99)])"
const QUANTILES: readonly [df: number, ...values: number[]][] = [
  [1, 1.0000000000000002, 12.706204736174694, 63.656741162871526],
  [2, 0.8164965809277261, 4.302652729749462, 9.924843200918287],
  [3, 0.7648923284043444, 3.1824463052837078, 5.840909309733355],
  [4, 0.7406970841126829, 2.7764451051977934, 4.604094871349992],
  [9, 0.7027221467513264, 2.262157162798205, 3.249835541592126],
  [30, 0.6827556933212927, 2.0422724563012378, 2.7499956535672254],
];

function assertClose(found: number, expected: number, relative: number): void {
  assert.ok(Math.abs(found - expected) <= relative * Math.abs(expected), `${found} ≠ ${expected}`);
}

Deno.test("studentTQuantile() equals scipy's t.ppf", () => {
  for (const [df, ...values] of QUANTILES) {
    [0.5, 0.95, 0.99].forEach((mass, i) =>
      assertClose(studentTQuantile(mass, df), values[i], 1e-12)
    );
  }
});

Deno.test("studentTCentral() equals 1 - 2 * scipy's t.sf", () => {
  // python3 -c "import scipy.stats as s; print([1-2*s.t.sf(*a) for a in ((.3,1),(1.7,2),(2.5,5),(3.1,8))])"
  assertClose(studentTCentral(0.3, 1), 0.18554715815548461, 1e-13);
  assertClose(studentTCentral(1.7, 2), 0.7687665737984288, 1e-13);
  assertClose(studentTCentral(2.5, 5), 0.9455099006576237, 1e-13);
  assertClose(studentTCentral(3.1, 8), 0.9853342353629523, 1e-13);
});

Deno.test("studentTInterval() equals scipy's t.interval over five seeds", () => {
  // python3 -c "import numpy as n, scipy.stats as s; x=[.25,.88,.85,.69,.80]; print(s.t.interval(.95,4,n.mean(x),s.sem(x)))"
  const [low, high] = studentTInterval([0.25, 0.88, 0.85, 0.69, 0.80]);
  assertClose(low, 0.3730112440523579, 1e-12);
  assertClose(high, 1.014988755947642, 1e-12);
});

Deno.test("studentTInterval() refuses a single seed", () => {
  assert.throws(() => studentTInterval([1]), {
    name: "RangeError",
    message: "Expected df to be an integer greater than 0 but found 0.",
  });
});
