import { requirePositiveIntegers } from "../../core/positive_integers.ts";
import { mean, standardDeviation } from "./moments.ts";

/**
 * P(|T| ≤ t) for Student's t with a whole number of degrees of freedom, by the finite
 * trigonometric sums (Abramowitz and Stegun, 26.7.3 and 26.7.4), which need no special function.
 *
 * @param t at least 0
 * @param df degrees of freedom, an integer from 1
 */
export function studentTCentral(t: number, df: number): number {
  requirePositiveIntegers({ df });
  return centralMass(Math.atan(t / Math.sqrt(df)), df);
}

function centralMass(angle: number, df: number): number {
  const cosine = Math.cos(angle);
  const odd = df % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = df === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < df; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

/**
 * The t that holds the central `mass` of Student's t: 12.706 for 0.95 and one degree of freedom.
 *
 * @param mass between 0 and 1, both excluded
 */
export function studentTQuantile(mass: number, df: number): number {
  if (!(mass > 0 && mass < 1)) {
    throw new RangeError(`Expected mass to be between 0 and 1 but found ${mass}.`);
  }
  let [low, high] = [0, Math.PI / 2];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return Math.sqrt(df) * Math.tan(middle);
    const inside = studentTCentral(Math.sqrt(df) * Math.tan(middle), df);
    if (inside < mass) low = middle;
    else high = middle;
  }
}

/**
 * The 95% interval of a mean of few independent normal values, such as one figure a seed:
 * mean ± t · sd / √n.
 *
 * @throws RangeError when there are fewer than two values
 *
 * @example
 * ```ts
 * import { studentTInterval } from "./student_t.ts";
 * const [low, high] = studentTInterval([1, 2, 3]);
 * if (low.toFixed(3) !== "-0.484" || high.toFixed(3) !== "4.484") throw new Error();
 * ```
 */
export function studentTInterval(values: ArrayLike<number>): [number, number] {
  const half = studentTQuantile(0.95, values.length - 1) * standardDeviation(values) /
    Math.sqrt(values.length);
  const centre = mean(values);
  return [centre - half, centre + half];
}
