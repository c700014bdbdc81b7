import assert from "node:assert/strict";
import { learningRate, type Schedule } from "../../../train/optim/schedule.ts";

function rates(schedule: Omit<Schedule, "peak">): number[] {
  const steps = Array.from({ length: schedule.steps }, (_, i) => i + 1);
  return steps.map((step) => learningRate({ ...schedule, peak: 1 }, step));
}

function assertClose(found: number[], expected: number[]): void {
  assert.equal(found.length, expected.length);
  found.forEach((rate, i) =>
    assert(Math.abs(rate - expected[i]) < 1e-15, `step ${i + 1}: ${rate} ≠ ${expected[i]}`)
  );
}

Deno.test("learningRate() is constant after a linear warm-up from 0", () => {
  const schedule = { name: "constant", steps: 5, warmupSteps: 2, minimum: 0 } as const;
  assertClose(rates(schedule), [0, 0.5, 1, 1, 1]);
  assertClose(rates({ ...schedule, warmupSteps: 0 }), [1, 1, 1, 1, 1]);
});

// By hand from transformers' get_linear_schedule_with_warmup: max(0, (6 − n) / (6 − 2)).
Deno.test("learningRate() under linear equals transformers' linear schedule", () => {
  const schedule = { name: "linear", steps: 6, warmupSteps: 2, minimum: 0 } as const;
  assertClose(rates(schedule), [0, 0.5, 1, 0.75, 0.5, 0.25]);
});

// By hand from transformers' get_cosine_schedule_with_warmup: (1 + cos(π (n − 1) / 4)) / 2.
Deno.test("learningRate() under cosine equals transformers' cosine schedule", () => {
  const schedule = { name: "cosine", steps: 5, warmupSteps: 1, minimum: 0 } as const;
  const half = Math.SQRT1_2 / 2;
  assertClose(rates(schedule), [0, 1, 0.5 + half, 0.5, 0.5 - half]);
});

Deno.test("learningRate() ends towards the minimum fraction of the peak", () => {
  const schedule = { name: "cosine", steps: 2, warmupSteps: 0, minimum: 0.1 } as const;
  assertClose(rates(schedule), [1, 0.55]);
  assertClose(rates({ ...schedule, name: "linear" }), [1, 0.55]);
});

Deno.test("learningRate() refuses steps outside the run", () => {
  const schedule = { name: "linear", peak: 1, steps: 5, warmupSteps: 0, minimum: 0 } as const;
  assert.throws(
    () => learningRate(schedule, 6),
    new RangeError("Expected step to be an integer from 1 to 5 but found 6."),
  );
});
