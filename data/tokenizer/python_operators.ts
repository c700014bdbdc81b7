import { isList, isNumber, type Node } from "./jinja_nodes.ts";
import { countSearch, type CountSteps, sizeOf } from "./jinja_steps.ts";
import { pythonEquals } from "./python_equality.ts";
import { type JinjaValue, pythonFormat, pythonText } from "./python_text.ts";

/** Operators to which the library gives another meaning. */
export const OPERATORS: ReadonlySet<string> = new Set(["~", "+", "%", "==", "!=", "in", "not in"]);

/**
 * What one of `OPERATORS` gives, as a node to be evaluated; null where the library means the same.
 *
 * @param count told of what is visited, before it is
 * @throws TypeError for a sum of a text and another value, and as `pythonFormat`
 * @throws RangeError for a remainder of a division by zero
 */
export function pythonOperation(
  operator: string,
  [left, right]: readonly [JinjaValue, JinjaValue],
  count: CountSteps,
): Node | null {
  const [isText, isTextToo] = [left.type === "StringValue", right.type === "StringValue"];
  if (operator === "==" || operator === "!=") {
    return booleanNode(pythonEquals(left, right, count) === (operator === "=="));
  }
  if (operator.endsWith("in") && isList(right)) {
    const found = right.value.some((element) => pythonEquals(left, element, count));
    return booleanNode(found === (operator === "in"));
  }
  if (operator.endsWith("in") && isText && isTextToo) {
    countSearch(String(right.value), String(left.value), count);
  }
  if (operator === "~") {
    const [text, more] = [left, right].map((value) => pythonText(value, count));
    return textNode(text + more);
  }
  if (operator === "+" && isText && isTextToo) return textNode(`${left.value}${right.value}`);
  if (operator === "+" && isText !== isTextToo) {
    throw new TypeError(`a sum of ${left.type} and ${right.type}`);
  }
  if (operator === "+") count(sizeOf(left) + sizeOf(right));
  if (operator === "%" && isText) {
    const values = right.type === "TupleValue" ? right.value as JinjaValue[] : [right];
    return textNode(pythonFormat(String(left.value), values, count));
  }
  return operator === "%" && isNumber(left) && isNumber(right) ? remainderNode(left, right) : null;
}

function textNode(value: string): Node {
  return { type: "StringLiteral", value };
}

/** The library has no literals of booleans, but names. */
function booleanNode(value: boolean): Node {
  const argument = { type: "IntegerLiteral", value: value ? 0 : 1 };
  return { type: "UnaryExpression", operator: { value: "not" }, argument };
}

/** A remainder of the sign of the divisor. */
function remainderNode(left: JinjaValue, right: JinjaValue): Node {
  const [a, b] = [Number(left.value), Number(right.value)];
  if (b === 0) throw new RangeError("a remainder of a division by zero");
  const isWhole = left.type === "IntegerValue" && right.type === "IntegerValue";
  return { type: isWhole ? "IntegerLiteral" : "FloatLiteral", value: (a % b + b) % b };
}
