import type { Quantity } from "./table.ts";

/** The typographic minus sign (U+2212), as wide as a plus. */
const MINUS = "−";

/**
 * A number with a fixed count of digits; never `-0.00`. What is not finite is a dash.
 *
 * @param minus the sign before negative numbers; U+2212 unless told
 *
 * @example
 * ```ts
 * import { formatNumber } from "./number_format.ts";
 * if (formatNumber(-1.25, 1, "-") !== "-1.3" || formatNumber(-0.004, 2) !== "0.00") throw new Error();
 * ```
 */
export function formatNumber(value: number, digits: number, minus = MINUS): string {
  if (!Number.isFinite(value)) return "–";
  const magnitude = Math.abs(value).toFixed(digits);
  return value < 0 && Number(magnitude) !== 0 ? minus + magnitude : magnitude;
}

/**
 * What stands after ± : the larger side of a quantity's interval, with the quantity's digits; null
 * without an interval. The sides differ only where a bound, such as 100%, cuts one off.
 */
export function halfWidth(quantity: Quantity): string | null {
  if (quantity.interval === null) return null;
  const [low, high] = quantity.interval;
  return formatNumber(Math.max(high - quantity.value, quantity.value - low), quantity.digits);
}

/** An interval in brackets: `[0.68, 0.77]`. */
export function formatInterval(interval: readonly [number, number], digits: number): string {
  return `[${formatNumber(interval[0], digits)}, ${formatNumber(interval[1], digits)}]`;
}

/** A number, and its interval where it has one: `0.72 [0.68, 0.77]`. */
export function formatWithInterval(
  value: number,
  interval: readonly [number, number] | null,
  digits: number,
): string {
  const number = formatNumber(value, digits);
  return interval === null ? number : `${number} ${formatInterval(interval, digits)}`;
}

/** A p-value for a sentence or a table: `0.021`, or `< 0.001` below what three digits can show. */
export function formatPValue(p: number): string {
  return p < 0.001 ? "< 0.001" : formatNumber(p, 3);
}

/** A whole number with thin groups of three: `12,800`; the locale plays no part. */
export function formatCount(count: number): string {
  return formatNumber(count, 0).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Seconds as a person says them: `0.4 s`, `38 s`, `4 min 10 s`, `2 h 5 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
