import { type Dim, equalDims } from "./dims.ts";
import type { OpType } from "./op_types.ts";
import { add } from "./ops/elementwise.ts";
import { reduceSum } from "./ops/reduce.ts";
import { reshape } from "./ops/shape.ts";
import { isFloating, type Node, type Value } from "./value.ts";
import { VJP_RULES } from "./vjp_rules.ts";
import type { VjpRule, VjpTable } from "./vjp/vjp_rule.ts";

/**
 * The gradients of a scalar loss, as values of the same graph, one for each value of `wrt`, of its
 * shape. Only what they need is added: what does not depend on `wrt` costs nothing.
 *
 * @throws RangeError when the loss is no scalar or does not depend on a value of `wrt`
 * @throws TypeError when it depends on one through an op without a gradient
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  if (loss.dims.length > 0) {
    throw new RangeError(`Expected the loss to be a scalar but found [${loss.dims.join(", ")}].`);
  }
  const cotangent = loss.graph.scalar(1, loss.dtype);
  const cotangents = backward({ output: loss, cotangent }, wrt);
  return wrt.map((value) => {
    const gradient = cotangents.get(value);
    if (gradient === undefined) {
      throw new RangeError(`The loss does not depend on "${value.name}".`);
    }
    return gradient;
  });
}

/** A value and the cotangent that the backward walk starts from; both of one shape. */
export interface BackwardSeed {
  readonly output: Value;
  readonly cotangent: Value;
}

/**
 * The cotangents of `wrt` for a cotangent of a value: ⟨cotangent, output⟩ differentiated. Values
 * that the output does not depend on are missing.
 *
 * @throws TypeError when the output depends on one through an op without a gradient
 */
export function backward(
  { output, cotangent }: BackwardSeed,
  wrt: readonly Value[],
  rules: VjpTable = VJP_RULES,
): ReadonlyMap<Value, Value> {
  const nodes = [...output.graph.nodes];
  const active = dependents(nodes, wrt);
  const cotangents = new Map<Value, Value>([[output, cotangent]]);
  for (const node of nodes.reverse()) {
    const dys = node.outputs.map((value) => cotangents.get(value));
    if (!node.outputs.some((y) => active.has(y)) || dys.every((dy) => dy === undefined)) continue;
    const contributions = vjpRule(rules, node)(node, dys);
    node.inputs.forEach((x, i) => {
      const contribution = active.has(x) ? contributions[i]?.() : undefined;
      if (contribution === undefined) return;
      const sum = cotangents.get(x);
      const summed = sumTo(contribution, x.dims);
      cotangents.set(x, sum === undefined ? summed : add(sum, summed));
    });
  }
  return cotangents;
}

/** The floating values that depend on `wrt`, themselves included. */
function dependents(nodes: readonly Node[], wrt: readonly Value[]): ReadonlySet<Value> {
  const active = new Set(wrt);
  for (const { inputs, outputs } of nodes) {
    if (!inputs.some((x) => active.has(x))) continue;
    for (const y of outputs) if (isFloating(y.dtype)) active.add(y);
  }
  return active;
}

function vjpRule<Op extends OpType>(rules: VjpTable, node: Node<Op>): VjpRule<Op> {
  const rule: VjpRule<Op> | "nondifferentiable" = rules[node.op];
  if (rule !== "nondifferentiable") return rule;
  const names = node.inputs.map(({ name }) => `"${name}"`).join(", ");
  throw new TypeError(`${node.op} has no gradient, but one is needed through it, of ${names}.`);
}

/** Sums a cotangent over the axes that its value was broadcast along. */
function sumTo(cotangent: Value, dims: readonly Dim[]): Value {
  if (equalDims(cotangent.dims, dims)) return cotangent;
  const leading = cotangent.dims.length - dims.length;
  const axes = cotangent.dims.flatMap((dim, i) =>
    i < leading || (dims[i - leading] === 1 && dim !== 1) ? [i] : []
  );
  return reshape(reduceSum(cotangent, { axes }), dims);
}
