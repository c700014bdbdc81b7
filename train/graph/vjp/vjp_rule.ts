import type { OpType } from "../op_types.ts";
import type { Node, Value } from "../value.ts";

/**
 * The vector–Jacobian product of an op: from the cotangents of its outputs to those of its inputs,
 * one function an input, called only if that input's cotangent is needed; `undefined` where there
 * is none (indices, conditions).
 *
 * The cotangent of an output that nothing used is zeros only for ops with several outputs whose
 * rule asks for it; the first output's is always there unless the op is `Split` or `Route`. A cotangent may
 * have the shape that an input was broadcast to: the backward walk sums it down.
 */
export type VjpRule<Op extends OpType> = (
  node: Node<Op>,
  cotangents: readonly (Value | undefined)[],
) => readonly ((() => Value) | undefined)[];

/** A rule for each op, or a statement that it has none. */
export type VjpTable = { readonly [Op in OpType]: VjpRule<Op> | "nondifferentiable" };
