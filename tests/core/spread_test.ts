import assert from "node:assert/strict";
import { spreadOf } from "../../core/spread.ts";

Deno.test("spreadOf() takes as a quantile the smallest value that at least so many do not exceed", () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  assert.deepEqual(spreadOf(values), {
    ...{ n: 200, min: 1, p10: 20, p25: 50, median: 100, p75: 150, p90: 180, p99: 198, max: 200 },
    mean: 100.5,
  });
  assert.deepEqual(new Set(Object.values({ ...spreadOf([7]), n: 7 })), new Set([7]));
});

Deno.test("spreadOf() gives nothing for no values", () => {
  assert.equal(spreadOf([]), null);
});
