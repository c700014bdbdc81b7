import type { Random } from "../../core/random.ts";

/**
 * Whether an annotator prefers reply `a` to reply `b`, by Bradley and Terry (1952):
 * P(a ≻ b) = σ((reward a − reward b) / temperature). Temperature 0 is an annotator without noise,
 * who prefers the higher reward, and `b` when both are equal.
 *
 * @param rewards gold rewards of the two replies
 * @throws RangeError when the temperature is negative
 */
export function prefersFirst(
  random: Random,
  rewards: { readonly a: number; readonly b: number },
  temperature: number,
): boolean {
  if (!(temperature >= 0)) {
    throw new RangeError(`Expected temperature to be at least 0 but found ${temperature}.`);
  }
  const difference = rewards.a - rewards.b;
  // One draw in either case, so that the noise-free labels come from the same stream.
  const draw = random.uniform();
  if (temperature === 0) return difference > 0;
  return draw < 1 / (1 + Math.exp(-difference / temperature));
}
