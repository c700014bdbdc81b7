import {
  cast,
  div,
  exp,
  greater,
  greaterOrEqual,
  lessOrEqual,
  mul,
  neg,
  sign,
  sub,
  where,
} from "../ops/elementwise.ts";
import type { VjpTable } from "./vjp_rule.ts";

/** Rules of ops that act on each element by itself. */
export const ELEMENTWISE = {
  Neg: (_, [dy]) => [() => neg(dy!)],
  Exp: ({ outputs: [y] }, [dy]) => [() => mul(dy!, y)],
  Log: ({ inputs: [x] }, [dy]) => [() => div(dy!, x)],
  Sqrt: ({ outputs: [y] }, [dy]) => [() => div(mul(dy!, 0.5), y)],
  Reciprocal: ({ outputs: [y] }, [dy]) => [() => neg(mul(dy!, mul(y, y)))],
  Sigmoid: ({ outputs: [y] }, [dy]) => [() => mul(dy!, mul(y, sub(1, y)))],
  Tanh: ({ outputs: [y] }, [dy]) => [() => mul(dy!, sub(1, mul(y, y)))],
  // sigmoid(x) as e^(x − softplus(x)): the Sigmoid kernel loses the small values that margins give.
  Softplus: ({ inputs: [x], outputs: [y] }, [dy]) => [() => mul(dy!, exp(sub(x, y)))],
  Relu: ({ inputs: [x] }, [dy]) => [() => where(greater(x, 0), dy!, 0)],
  Abs: ({ inputs: [x] }, [dy]) => [() => mul(dy!, sign(x))],
  Sign: "nondifferentiable",
  Not: "nondifferentiable",
  And: "nondifferentiable",
  Equal: "nondifferentiable",
  Greater: "nondifferentiable",
  GreaterOrEqual: "nondifferentiable",
  Less: "nondifferentiable",
  LessOrEqual: "nondifferentiable",
  Add: (_, [dy]) => [() => dy!, () => dy!],
  Sub: (_, [dy]) => [() => dy!, () => neg(dy!)],
  Mul: ({ inputs: [a, b] }, [dy]) => [() => mul(dy!, b), () => mul(dy!, a)],
  Div: ({ inputs: [, b], outputs: [y] }, [dy]) => [
    () => div(dy!, b),
    () => neg(mul(dy!, div(y, b))),
  ],
  Min: ({ inputs: [a, b] }, [dy]) => [
    () => where(lessOrEqual(a, b), dy!, 0),
    () => where(lessOrEqual(a, b), 0, dy!),
  ],
  Max: ({ inputs: [a, b] }, [dy]) => [
    () => where(greaterOrEqual(a, b), dy!, 0),
    () => where(greaterOrEqual(a, b), 0, dy!),
  ],
  Where: ({ inputs: [condition] }, [dy]) => [
    undefined,
    () => where(condition, dy!, 0),
    () => where(condition, 0, dy!),
  ],
  Cast: ({ inputs: [x] }, [dy]) => [() => cast(dy!, x.dtype)],
} satisfies Partial<VjpTable>;
