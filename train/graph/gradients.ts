import { after, firstElement } from "./after.ts";
import { type Dim, equalDims } from "./dims.ts";
import type { OpType } from "./op_types.ts";
import { add, cast } from "./ops/elementwise.ts";
import { reduceSum } from "./ops/reduce.ts";
import { reshape } from "./ops/shape.ts";
import { isHalf } from "./target.ts";
import { isFloating, type Node, type Value } from "./value.ts";
import { VJP_RULES } from "./vjp_rules.ts";
import type { VjpRule, VjpTable } from "./vjp/vjp_rule.ts";

/**
 * The gradients of a scalar loss, as values of the same graph, one for each value of `wrt`, of its
 * shape. Only what they need is added: what does not depend on `wrt` costs nothing. The values of
 * `wrt` count as independent: no gradient goes on through one of them to another.
 *
 * @throws RangeError when the loss is no scalar or does not depend on a value of `wrt`
 * @throws TypeError when it depends on one through an op without a gradient
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  if (loss.dims.length > 0) {
    throw new RangeError(`Expected the loss to be a scalar but found [${loss.dims.join(", ")}].`);
  }
  return gradientsFrom({ output: loss, cotangent: loss.graph.scalar(1, loss.dtype) }, wrt);
}

function gradientOf(value: Value, cotangents: ReadonlyMap<Value, Value>): Value {
  const gradient = cotangents.get(value);
  if (gradient === undefined) {
    throw new RangeError(`The loss does not depend on "${value.name}".`);
  }
  return gradient;
}

/**
 * The gradients of ⟨cotangent, output⟩, as `gradients` gives them of a loss.
 *
 * Between boundaries less is held in memory: of what lies between one and the next nothing is kept, it
 * is computed a second time on the way back (Chen et al., 2016, arXiv 1604.06174).
 *
 * @param boundaries values in the order of the computation, through which alone the output depends on
 * what comes before them: the inputs of a model's layers
 * @throws RangeError when the output does not depend on a value of `wrt`
 * @throws TypeError when it depends on one through an op without a gradient
 */
export function gradientsFrom(
  seed: BackwardSeed,
  wrt: readonly Value[],
  boundaries: readonly Value[] = [],
): Value[] {
  const { graph } = seed.output;
  const forward = [...graph.nodes];
  const placeOf = (value: Value) => forward.indexOf(value.producer!) + 1;
  const sums = new Map<Value, Value>();
  const collect = (seed: BackwardSeed, through: { nodes: readonly Node[]; from?: Value }) => {
    const { nodes, from } = through;
    const found = walkBack(seed, { nodes, wrt: from ? [from, ...wrt] : wrt, rules: VJP_RULES });
    for (const value of wrt) {
      const part = found.get(value);
      if (part !== undefined) sums.set(value, sums.has(value) ? add(sums.get(value)!, part) : part);
    }
    return from && found.get(from);
  };
  let { output, cotangent } = seed;
  let end = forward.length;
  for (const boundary of [...boundaries].reverse()) {
    const nodes = forward.slice(placeOf(boundary), end);
    // What the output itself follows from is in memory still; it is not computed again.
    const again = output === seed.output
      ? { from: boundary, output, nodes }
      : recompute(nodes, { from: boundary, output, cotangent });
    const next = collect({ output: again.output, cotangent }, again);
    if (next === undefined) break;
    [output, cotangent, end] = [boundary, next, placeOf(boundary)];
  }
  collect({ output, cotangent }, { nodes: forward.slice(0, end) });
  return wrt.map((value) => gradientOf(value, sums));
}

/** Nodes once more, on a boundary that waits for a cotangent: no optimizer may take them for twins. */
function recompute(
  nodes: readonly Node[],
  { from, output, cotangent }: {
    readonly from: Value;
    readonly output: Value;
    readonly cotangent: Value;
  },
) {
  const { graph } = from;
  const first = firstElement(cotangent);
  const waiting = after(from, [first]);
  const start = graph.nodes.length;
  const image = new Map<Value, Value>([[from, waiting]]);
  // What is made of weights alone, such as 1 + w, is in memory still, but gradients flow through it. Not so
  // matrices in 16 bits: kept, they would all be there at once.
  const kept: Node[] = [];
  for (const node of nodes) {
    if (!node.inputs.some((input) => image.has(input))) {
      if (isNarrowedMatrix(node)) {
        const [weight] = node.inputs;
        image.set(node.outputs[0], cast(after(weight, [first]), node.outputs[0].dtype));
      } else kept.push(node);
      continue;
    }
    const inputs = node.inputs.map((input) => image.get(input) ?? input);
    const outputs = graph.emit(node.op, inputs, node.attributes);
    node.outputs.forEach((value, i) => image.set(value, outputs[i]));
  }
  return {
    from: waiting,
    output: image.get(output)!,
    nodes: [...kept, ...graph.nodes.slice(start)],
  };
}

/** Whether a node makes a weight's matrix what layers compute in. */
function isNarrowedMatrix({ op, inputs: [weight], outputs: [narrow] }: Node): boolean {
  return op === "Cast" && weight.producer === undefined && weight.dtype === weight.graph.dtype &&
    weight.dims.length === 2 && isHalf(narrow.dtype);
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
  seed: BackwardSeed,
  wrt: readonly Value[],
  rules: VjpTable = VJP_RULES,
): ReadonlyMap<Value, Value> {
  return walkBack(seed, { nodes: seed.output.graph.nodes, wrt, rules });
}

/** The backward walk over some nodes of a graph, in the order they were built. */
function walkBack(
  { output, cotangent }: BackwardSeed,
  { nodes, wrt, rules }: {
    readonly nodes: readonly Node[];
    readonly wrt: readonly Value[];
    readonly rules: VjpTable;
  },
): ReadonlyMap<Value, Value> {
  const active = dependents(nodes, wrt);
  const independent = new Set(wrt);
  const cotangents = new Map<Value, Value>([[output, cotangent]]);
  for (const node of nodes.toReversed()) {
    if (node.outputs.some((y) => independent.has(y))) continue;
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
