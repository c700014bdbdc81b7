import { type CountSteps, textSteps } from "./jinja_steps.ts";
import type { JinjaValue } from "./python_text.ts";

/**
 * Whether two values of a running template are equal as Python and Jinja have it: a text is no number,
 * what is undefined is not `none`, lists and records are compared by what they hold.
 *
 * @param count told of each pair of values that is compared
 */
export function pythonEquals(left: JinjaValue, right: JinjaValue, count: CountSteps): boolean {
  count(1);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== null || b !== null) return a === b;
  if (left.type !== right.type) return false;
  if (Array.isArray(left.value) && Array.isArray(right.value)) {
    return sameElements(left.value, right.value, count);
  }
  if (left.value instanceof Map && right.value instanceof Map) {
    return sameEntries(left.value, right.value, count);
  }
  const [text, other] = [left.value, right.value];
  if (typeof text === "string" && typeof other === "string" && text.length === other.length) {
    count(textSteps(text.length));
  }
  return left.value === right.value;
}

/** A number, or a boolean, which Python takes for 0 or 1; null for other values. */
function numberOf({ type, value }: JinjaValue): number | null {
  const isNumber = type === "IntegerValue" || type === "FloatValue" || type === "BooleanValue";
  return isNumber ? Number(value) : null;
}

function sameElements(
  left: readonly JinjaValue[],
  right: readonly JinjaValue[],
  count: CountSteps,
): boolean {
  return left.length === right.length &&
    left.every((element, i) => pythonEquals(element, right[i], count));
}

function sameEntries(
  left: ReadonlyMap<string, JinjaValue>,
  right: ReadonlyMap<string, JinjaValue>,
  count: CountSteps,
): boolean {
  return left.size === right.size && [...left].every(([key, value]) => {
    const other = right.get(key);
    return other !== undefined && pythonEquals(value, other, count);
  });
}
