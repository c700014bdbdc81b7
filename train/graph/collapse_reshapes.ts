import { equalDims } from "./dims.ts";
import { Graph } from "./graph.ts";
import { liveNodes } from "./lower.ts";
import type { OpAttributes } from "./op_types.ts";
import type { Value } from "./value.ts";

/**
 * The same graph with a reshape of a reshape as one, or none: starting a node costs time even where
 * nothing moves.
 */
export function collapseReshapes(graph: Graph): Graph {
  const collapsed = new Graph({ dtype: graph.dtype });
  const image = new Map<Value, Value>();
  for (const [name, input] of graph.inputs) {
    image.set(input, collapsed.input(name, input.dtype, input.dims));
  }
  for (const node of liveNodes(graph)) {
    const inputs = node.inputs.map((value) => image.get(value)!);
    const outputs = node.op === "Reshape"
      ? [reshaped(inputs[0], node.attributes as OpAttributes["Reshape"])]
      : collapsed.emit(node.op, inputs, node.attributes);
    node.outputs.forEach((value, i) => image.set(value, outputs[i]));
  }
  for (const [name, value] of graph.outputs) collapsed.output(name, image.get(value)!);
  return collapsed;
}

function reshaped(x: Value, { dims }: OpAttributes["Reshape"]): Value {
  const { producer } = x;
  const source = producer?.op === "Reshape" ? producer.inputs[0] : x;
  return equalDims(source.dims, dims)
    ? source
    : source.graph.emit("Reshape", [source], { dims })[0];
}
