import type { OpType } from "./op_types.ts";
import { ELEMENTWISE } from "./vjp/elementwise.ts";
import { STRUCTURE } from "./vjp/structure.ts";
import { TRANSFORMER } from "./vjp/transformer.ts";
import type { VjpTable } from "./vjp/vjp_rule.ts";

const RULES = { ...ELEMENTWISE, ...STRUCTURE, ...TRANSFORMER };

/** The gradient of every op: leave one out, and this does not compile. */
export const VJP_RULES: VjpTable = RULES;

/** The ops that have a gradient. */
export type DifferentiableOp = {
  [Op in OpType]: (typeof RULES)[Op] extends "nondifferentiable" ? never : Op;
}[OpType];
