import { ELEMENTWISE } from "./vjp/elementwise.ts";
import { STRUCTURE } from "./vjp/structure.ts";
import { TRANSFORMER } from "./vjp/transformer.ts";
import type { VjpTable } from "./vjp/vjp_rule.ts";

/** The gradient of every op: leave one out, and this does not compile. */
export const VJP_RULES: VjpTable = { ...ELEMENTWISE, ...STRUCTURE, ...TRANSFORMER };
