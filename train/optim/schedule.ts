/** The shapes that a learning rate can follow. */
export const SCHEDULES = ["constant", "linear", "cosine"] as const;
export type ScheduleName = typeof SCHEDULES[number];

/** A learning rate as a function of the step. */
export interface Schedule {
  readonly name: ScheduleName;
  /** The highest learning rate. */
  readonly peak: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps over which the rate rises from 0; 0 begins at the peak. */
  readonly warmupSteps: number;
  /** The fraction of the peak that linear and cosine end at. */
  readonly minimum: number;
}

/**
 * The learning rate of a step (from 1). With n = step − 1 steps behind, w warm-up steps and N steps:
 *
 *     n < w      peak · n / w
 *     constant   peak
 *     linear     peak · (m + (1 − m) · (N − n) / (N − w))
 *     cosine     peak · (m + (1 − m) · (1 + cos(π (n − w) / (N − w))) / 2)
 *
 * These are transformers' schedules of the same names: under warm-up the first step's rate is 0, and
 * the last step is one short of the end. There, m is 0 except for `cosine_with_min_lr`.
 *
 * @throws RangeError when the step is outside 1 … N
 *
 * @example
 * ```ts
 * import { learningRate } from "./schedule.ts";
 * const schedule = { name: "linear", peak: 1, steps: 4, warmupSteps: 2, minimum: 0 } as const;
 * const rates = [1, 2, 3, 4].map((step) => learningRate(schedule, step));
 * if (rates.join() !== "0,0.5,1,0.5") throw new Error();
 * ```
 */
export function learningRate(schedule: Schedule, step: number): number {
  const { name, peak, steps, warmupSteps, minimum } = schedule;
  if (!Number.isInteger(step) || step < 1 || step > steps) {
    throw new RangeError(`Expected step to be an integer from 1 to ${steps} but found ${step}.`);
  }
  const behind = step - 1;
  if (behind < warmupSteps) return peak * behind / warmupSteps;
  const progress = (behind - warmupSteps) / (steps - warmupSteps);
  return peak * (minimum + (1 - minimum) * DECAYS[name](progress));
}

/** What is left of the peak after a fraction of the way from warm-up to the end. */
const DECAYS: { readonly [Name in ScheduleName]: (progress: number) => number } = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
};
