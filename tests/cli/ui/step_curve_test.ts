import assert from "node:assert/strict";
import { MOST_POINTS, StepCurve } from "../../../cli/ui/step_curve.ts";

Deno.test("StepCurve keeps figures that it knows, by step", () => {
  const curve = new StepCurve();
  curve.add({ step: 1, loss: 0.5, margin: null, lr: 3 });
  curve.add({ step: 2, loss: 0.25, margin: 1 });
  curve.add({ loss: 9 });
  assert.deepEqual(curve.points("loss"), [{ step: 1, value: 0.5 }, { step: 2, value: 0.25 }]);
  assert.deepEqual(curve.points("margin"), [{ step: 2, value: 1 }]);
});

Deno.test("StepCurve stays within its bound, evenly spread, and has first and newest step", () => {
  const curve = new StepCurve();
  for (let step = 1; step <= 100_000; step++) {
    curve.add({ step, loss: step });
    if (step % 997 === 0) assert.equal(curve.points("loss").at(-1)!.step, step);
  }
  const points = curve.points("loss");
  assert.ok(
    points.length > MOST_POINTS / 4 && points.length <= MOST_POINTS + 1,
    `${points.length}`,
  );
  assert.equal(points[0].step, 1);
  const gaps = points.slice(1, -1).map(({ step }, i) => step - points[i].step);
  assert.equal(new Set(gaps).size, 1);
});

Deno.test("steps that a resumed attempt takes again replace what it had told", () => {
  const curve = new StepCurve();
  for (const step of [1, 2, 3, 4]) curve.add({ step, loss: step });
  for (const step of [3, 4, 5]) curve.add({ step, loss: step * 10 });
  const values = curve.points("loss").map(({ step, value }) => [step, value]);
  assert.deepEqual(values, [[1, 1], [2, 2], [3, 30], [4, 40], [5, 50]]);
});
