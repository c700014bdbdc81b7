import { fuseSums } from "./fuse_sums.ts";
import type { Graph } from "./graph.ts";
import { liveNodes, lower } from "./lower.ts";
import { writeNode } from "./onnx_nodes.ts";
import { OnnxWriter } from "./onnx_writer.ts";
import type { PrimitiveOp } from "./op_types.ts";
import type { Node, Value } from "./value.ts";
import { verify } from "./verify.ts";

/**
 * The graph as an ONNX model. It is verified first, lowered to ops that ONNX Runtime has, and
 * verified again.
 *
 * @throws GraphError with every violation found
 */
export function toOnnx(graph: Graph): Uint8Array<ArrayBuffer> {
  verify(graph);
  const lowered = fuseSums(lower(graph));
  verify(lowered);
  const writer = new OnnxWriter(lowered.inputs);
  const names = tensorNames(lowered);
  const nameOf = (value: Value) => names.get(value) ?? value.name;
  for (const node of liveNodes(lowered)) {
    writeNode(node as Node<PrimitiveOp>, writer, {
      inputs: node.inputs.map(nameOf),
      outputs: node.outputs.map(nameOf),
    });
  }
  for (const [name, value] of lowered.outputs) {
    if (nameOf(value) === name) continue;
    writer.node({ opType: "Identity", inputs: [nameOf(value)], outputs: [name] });
  }
  return writer.model(lowered.outputs);
}

/** A computed value bears the name of the first output that it is, which saves a copy. */
function tensorNames({ outputs }: Graph): ReadonlyMap<Value, string> {
  const names = new Map<Value, string>();
  for (const [name, value] of outputs) {
    const copied = value.producer === undefined || value.producer.inputs.length === 0;
    if (!copied && !names.has(value)) names.set(value, name);
  }
  return names;
}
