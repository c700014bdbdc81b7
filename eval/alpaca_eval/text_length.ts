/** Half-pairs that UTF-16 counts twice and Python once. */
const PAIR = /[\uD800-\uDBFF][\uDC00-\uDFFF]/g;

/**
 * Length of a text in code points, as Python's `len` counts.
 *
 * @example
 * ```ts
 * import { textLength } from "./text_length.ts";
 * if (textLength("né 🙂") !== 4) throw new Error();
 * ```
 */
export function textLength(text: string): number {
  return text.length - (text.match(PAIR)?.length ?? 0);
}
