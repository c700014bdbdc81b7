/**
 * Arithmetic mean.
 *
 * @throws RangeError when there is no value
 */
export function mean(values: ArrayLike<number>): number {
  if (values.length === 0) throw new RangeError("Expected at least 1 value but found 0.");
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/**
 * Standard deviation of a sample (divisor n − 1), in the unit of the values.
 *
 * @throws RangeError when there are fewer than two values
 */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) {
    throw new RangeError(`Expected at least 2 values but found ${values.length}.`);
  }
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * Standard error of the mean of independent values, in their unit.
 *
 * @throws RangeError when there are fewer than two values
 */
export function standardError(values: ArrayLike<number>): number {
  return standardDeviation(values) / Math.sqrt(values.length);
}
