/**
 * Requires numbers to count something; those that are `undefined` are passed over.
 *
 * @param counts the numbers by the names that messages give them
 * @throws RangeError for the first that is no integer greater than 0
 *
 * @example
 * ```ts
 * import { requirePositiveIntegers } from "./positive_integers.ts";
 * requirePositiveIntegers({ steps: 3, threads: undefined });
 * ```
 */
export function requirePositiveIntegers(
  counts: Readonly<Record<string, number | undefined>>,
): void {
  for (const [name, value] of Object.entries(counts)) {
    if (value === undefined || (Number.isInteger(value) && value > 0)) continue;
    throw new RangeError(`Expected ${name} to be an integer greater than 0 but found ${value}.`);
  }
}
