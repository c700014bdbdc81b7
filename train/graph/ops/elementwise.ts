import type { Dtype } from "../../../core/tensor.ts";
import type { Value } from "../value.ts";

/** A value, or a number that becomes a scalar of the other operand's dtype. */
export type Operand = Value | number;

type BinaryOp =
  | "Add"
  | "Sub"
  | "Mul"
  | "Div"
  | "Min"
  | "Max"
  | "And"
  | "Equal"
  | "Greater"
  | "GreaterOrEqual"
  | "Less"
  | "LessOrEqual";

type UnaryOp =
  | "Neg"
  | "Exp"
  | "Log"
  | "Sqrt"
  | "Reciprocal"
  | "Sigmoid"
  | "Tanh"
  | "Softplus"
  | "Relu"
  | "Abs"
  | "Sign"
  | "Not";

/** a + b, broadcasting as NumPy does; so do all binary functions here. */
export function add(a: Operand, b: Operand): Value {
  return binary("Add", a, b);
}

/** a − b. */
export function sub(a: Operand, b: Operand): Value {
  return binary("Sub", a, b);
}

/** a · b, element by element. */
export function mul(a: Operand, b: Operand): Value {
  return binary("Mul", a, b);
}

/** a / b. */
export function div(a: Operand, b: Operand): Value {
  return binary("Div", a, b);
}

/** The smaller of the two; where they are equal the gradient is the first operand's. */
export function min(a: Operand, b: Operand): Value {
  return binary("Min", a, b);
}

/** The larger of the two; where they are equal the gradient is the first operand's. */
export function max(a: Operand, b: Operand): Value {
  return binary("Max", a, b);
}

/** Whether both hold (bool). */
export function and(a: Value, b: Value): Value {
  return binary("And", a, b);
}

/** a = b (bool). */
export function equal(a: Operand, b: Operand): Value {
  return binary("Equal", a, b);
}

/** a > b (bool). */
export function greater(a: Operand, b: Operand): Value {
  return binary("Greater", a, b);
}

/** a ≥ b (bool). */
export function greaterOrEqual(a: Operand, b: Operand): Value {
  return binary("GreaterOrEqual", a, b);
}

/** a < b (bool). */
export function less(a: Operand, b: Operand): Value {
  return binary("Less", a, b);
}

/** a ≤ b (bool). */
export function lessOrEqual(a: Operand, b: Operand): Value {
  return binary("LessOrEqual", a, b);
}

/** −x. */
export function neg(x: Value): Value {
  return unary("Neg", x);
}

/** e to the x. */
export function exp(x: Value): Value {
  return unary("Exp", x);
}

/** The natural logarithm. */
export function log(x: Value): Value {
  return unary("Log", x);
}

/** The square root. */
export function sqrt(x: Value): Value {
  return unary("Sqrt", x);
}

/** 1 / x. */
export function reciprocal(x: Value): Value {
  return unary("Reciprocal", x);
}

/** 1 / (1 + e^−x). */
export function sigmoid(x: Value): Value {
  return unary("Sigmoid", x);
}

/** The hyperbolic tangent. */
export function tanh(x: Value): Value {
  return unary("Tanh", x);
}

/** log(1 + e^x), exact for large |x|; −softplus(−x) is log sigmoid(x). */
export function softplus(x: Value): Value {
  return unary("Softplus", x);
}

/** max(x, 0). */
export function relu(x: Value): Value {
  return unary("Relu", x);
}

/** |x|; its gradient at 0 is 0. */
export function abs(x: Value): Value {
  return unary("Abs", x);
}

/** −1, 0 or 1; has no gradient. */
export function sign(x: Value): Value {
  return unary("Sign", x);
}

/** Whether it does not hold (bool). */
export function not(x: Value): Value {
  return unary("Not", x);
}

/** a where the condition holds, else b; all three broadcast. */
export function where(condition: Value, a: Operand, b: Operand): Value {
  const [left, right] = operands(a, b, condition);
  return condition.graph.emit("Where", [condition, left, right], {})[0];
}

/** The same numbers in another dtype; itself when it has that dtype. */
export function cast(x: Value, to: Dtype): Value {
  return x.dtype === to ? x : x.graph.emit("Cast", [x], { to })[0];
}

function unary(op: UnaryOp, x: Value): Value {
  return x.graph.emit(op, [x], {})[0];
}

function binary(op: BinaryOp, a: Operand, b: Operand): Value {
  const [left, right] = operands(a, b);
  return left.graph.emit(op, [left, right], {})[0];
}

/** Both as values; two numbers need a value beside them to say which graph they belong to. */
function operands(a: Operand, b: Operand, beside?: Value): [Value, Value] {
  if (typeof a !== "number") {
    return [a, typeof b === "number" ? a.graph.scalar(b, a.dtype) : b];
  }
  if (typeof b !== "number") return [b.graph.scalar(a, b.dtype), b];
  if (beside === undefined) {
    throw new TypeError(`Expected a value among the operands but found ${a} and ${b}.`);
  }
  return [beside.graph.scalar(a), beside.graph.scalar(b)];
}
