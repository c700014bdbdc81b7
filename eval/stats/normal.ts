/**
 * P(Z ≤ z) of the standard normal distribution, by the series φ(z) · (z + z³/3 + z⁵/15 + …)
 * (Marsaglia, 2004), which converges for every z and needs no table.
 */
export function normalCdf(z: number): number {
  // Beyond this the series has no digit left, and the mass is within 1e-15 of its end.
  if (Math.abs(z) > 8) return z > 0 ? 1 : 0;
  let term = z;
  let sum = z;
  for (let k = 3; sum + term !== sum; k += 2) {
    term *= z * z / k;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
}

/**
 * The z below which the standard normal distribution has this mass: 1.96 for 0.975.
 *
 * @param mass between 0 and 1, both excluded
 * @throws RangeError for another
 */
export function normalQuantile(mass: number): number {
  if (!(mass > 0 && mass < 1)) {
    throw new RangeError(`Expected mass to be between 0 and 1 but found ${mass}.`);
  }
  let [low, high] = [-8, 8];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (normalCdf(middle) < mass) low = middle;
    else high = middle;
  }
}
