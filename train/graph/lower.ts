import { equalDims } from "./dims.ts";
import { Graph } from "./graph.ts";
import { LOWERINGS } from "./lowerings.ts";
import type { MacroOp, OpType } from "./op_types.ts";
import type { Target } from "./target.ts";
import { formatType, type Node, type Value } from "./value.ts";

/**
 * The same function in primitive ops only: unused nodes are left out, macros become what is
 * fastest for their dtype on the target.
 */
export function lower(graph: Graph, target: Target = "cpu"): Graph {
  let lowered = lowerOnce(graph, target);
  while (lowered.nodes.some(({ op }) => isMacro(op))) lowered = lowerOnce(lowered, target);
  return lowered;
}

/** The nodes that an output needs, in order. */
export function liveNodes(graph: Graph): Node[] {
  const needed = new Set(graph.outputs.values());
  const live = graph.nodes.toReversed().filter(({ inputs, outputs }) => {
    if (!outputs.some((value) => needed.has(value))) return false;
    for (const input of inputs) needed.add(input);
    return true;
  });
  return live.reverse();
}

function lowerOnce(graph: Graph, target: Target): Graph {
  const lowered = new Graph({ dtype: graph.dtype });
  const image = new Map<Value, Value>();
  for (const [name, input] of graph.inputs) {
    image.set(input, lowered.input(name, input.dtype, input.dims));
  }
  for (const node of liveNodes(graph)) {
    const inputs = node.inputs.map((value) => image.get(value)!);
    const outputs = isMacro(node.op)
      ? lowerMacro(node as Node<MacroOp>, inputs, target)
      : lowered.emit(node.op, inputs, node.attributes);
    node.outputs.forEach((value, i) => image.set(value, sameType(node, value, outputs[i])));
  }
  for (const [name, value] of graph.outputs) lowered.output(name, image.get(value)!);
  return lowered;
}

function isMacro(op: OpType): op is MacroOp {
  return op in LOWERINGS;
}

function lowerMacro<Op extends MacroOp>(
  { op, attributes }: Node<Op>,
  inputs: readonly Value[],
  target: Target,
): readonly Value[] {
  return LOWERINGS[op](inputs, attributes, target);
}

function sameType({ op }: Node, before: Value, after: Value): Value {
  if (before.dtype === after.dtype && equalDims(before.dims, after.dims)) return after;
  throw new TypeError(
    `${op}: expected its lowering to give ${formatType(before)} but found ${formatType(after)}.`,
  );
}
