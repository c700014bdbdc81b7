import { ExpectedError } from "../core/problem.ts";
import type { StepRecord } from "./step_record.ts";

type Scaled = Pick<StepRecord, "lossScale" | "skippedSteps">;

/** What a run in float16 that skipped steps is to say of them at its end; null where it skipped none. */
export function describeSkippedSteps(records: readonly Scaled[]): string | null {
  const skipped = records.at(-1)?.skippedSteps ?? 0;
  if (skipped === 0) return null;
  return `${skipped} of ${records.length} steps in float16 changed nothing, since their gradients ` +
    `were too large at the loss scale of then (${records[0].lossScale} at first, ` +
    `${records.at(-1)!.lossScale} in the end)`;
}

/**
 * Refuses the end of a run that skipped all its steps: its model would be the one it began with.
 *
 * @throws ExpectedError that says what helps
 */
export function requireTakenStep(records: readonly Scaled[]): void {
  if (records.length === 0 || records.at(-1)!.skippedSteps !== records.length) return;
  throw new ExpectedError(
    `Training left the model as it was: ${
      describeSkippedSteps(records)
    }. Take more steps, of which ` +
      "each that is skipped halves the scale, smaller coefficients of the loss, or precision: bfloat16 or " +
      "float32.",
  );
}
