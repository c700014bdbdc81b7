import assert from "node:assert/strict";
import { curveChart, shortNumber } from "../../../cli/ui/curve_chart.ts";

Deno.test("shortNumber() keeps three digits, and small and large ones short", () => {
  const shown = [0.693147, -12.44, 0, 0.00071, -2.345e-7, 99_999, 1234567].map(shortNumber);
  assert.deepEqual(shown, ["0.693", "−12.4", "0", "7.1e−4", "−2.3e−7", "100000", "1.2e6"]);
});

Deno.test("curveChart() maps the range of its points to the drawing, and leaves out what has none", () => {
  const points = [{ step: 1, value: 4 }, { step: 3, value: 2 }, { step: 2, value: 3 }];
  const { text } = curveChart("train", [{ label: "a", points }, { label: "b", points: [] }]);
  assert.match(
    text,
    /<polyline class="line line-0" points="44\.0,8\.0 294\.0,142\.0 169\.0,75\.0"/,
  );
  assert.doesNotMatch(text, /line-1/);
  assert.equal(curveChart("train", [{ label: "b", points: [] }]).text, "");
});

Deno.test("curveChart() draws a single point, and values that do not change, in the middle", () => {
  const { text } = curveChart("train", [{ label: "a", points: [{ step: 5, value: 1 }] }]);
  assert.match(text, /points="169\.0,75\.0"/);
});
