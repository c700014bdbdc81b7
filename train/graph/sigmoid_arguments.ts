import type { Activation } from "./op_types.ts";
import { add, mul } from "./ops/elementwise.ts";
import type { Value } from "./value.ts";

/** A function of a gate and its derivative, in a graph. */
interface SigmoidArgument {
  of(gate: Value): Value;
  /** Left out where it is 1. */
  slope?(gate: Value): Value;
}

/** 2 · sqrt(2/π), and the same times the 0.044715 of GELU's tanh approximation. */
const LINEAR = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715 * LINEAR;

/**
 * Each activation as gate · sigmoid(g(gate)): g and g'. GELU's tanh approximation
 * x/2 · (1 + tanh u) with u = sqrt(2/π) · (x + 0.044715 x³) (Hendrycks and Gimpel, 2016) is
 * x · sigmoid(2u), since 1 + tanh u = 2 · sigmoid(2u).
 */
export const SIGMOID_ARGUMENTS: { readonly [A in Activation]: SigmoidArgument } = {
  silu: { of: (gate) => gate },
  gelu_tanh: {
    of: (gate) => mul(gate, add(LINEAR, mul(CUBIC, mul(gate, gate)))),
    slope: (gate) => add(LINEAR, mul(3 * CUBIC, mul(gate, gate))),
  },
};
