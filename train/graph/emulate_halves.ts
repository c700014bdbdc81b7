import type { Dtype, Tensor } from "../../core/tensor.ts";
import { Graph } from "./graph.ts";
import { liveNodes } from "./lower.ts";
import type { OpAttributes, OpType } from "./op_types.ts";
import { type Half, isHalf } from "./target.ts";
import type { Node, Value } from "./value.ts";

/** Ops that only move or repeat numbers: what is rounded stays so. */
const MOVES: ReadonlySet<OpType> = new Set<OpType>([
  "Reshape",
  "Transpose",
  "Expand",
  "Concat",
  "Split",
  "Slice",
  "Gather",
  "GatherElements",
  "Neg",
  "Abs",
  "Relu",
  "Where",
]);

/** Whether a graph computes with 16-bit floats. */
export function hasHalves({ inputs, nodes }: Graph): boolean {
  const isOne = ({ dtype }: Value) => isHalf(dtype);
  return [...inputs.values()].some(isOne) || nodes.some(({ outputs }) => outputs.some(isOne));
}

/**
 * The same graph, of primitive ops, with 16-bit floats held as float32 and rounded to 16 bits after
 * each op: what a processor without kernels for them can compute, and gives nearly what one with them
 * does. Inputs and outputs keep their types.
 */
export function emulateHalves(graph: Graph): Graph {
  const emulated = new Graph({ dtype: graph.dtype });
  const image = new Map<Value, Value>();
  for (const [name, input] of graph.inputs) {
    const copy = emulated.input(name, input.dtype, input.dims);
    image.set(input, isHalf(input.dtype) ? castTo(copy, "float32") : copy);
  }
  for (const node of liveNodes(graph)) {
    const inputs = node.inputs.map((value) => image.get(value)!);
    const outputs = emulateNode(emulated, node, inputs);
    node.outputs.forEach((value, i) => image.set(value, outputs[i]));
  }
  for (const [name, value] of graph.outputs) {
    const found = image.get(value)!;
    emulated.output(name, isHalf(value.dtype) ? castTo(found, value.dtype) : found);
  }
  return emulated;
}

function emulateNode(graph: Graph, node: Node, inputs: readonly Value[]): readonly Value[] {
  const [{ dtype }] = node.outputs;
  if (!node.outputs.some((value) => isHalf(value.dtype))) {
    return graph.emit(node.op, inputs, node.attributes);
  }
  if (node.op === "Cast") return [rounded(castTo(inputs[0], "float32"), dtype as Half)];
  if (node.op === "Constant") {
    const { tensor } = node.attributes as OpAttributes["Constant"];
    return [castTo(graph.constant(tensor as Tensor), "float32")];
  }
  if (node.op === "Full") {
    const attributes = node.attributes as OpAttributes["Full"];
    return graph.emit("Full", [], { ...attributes, dtype: "float32" });
  }
  const outputs = graph.emit(node.op, inputs, node.attributes);
  if (MOVES.has(node.op)) return outputs;
  return outputs.map((value, i) => {
    const { dtype } = node.outputs[i];
    return isHalf(dtype) ? rounded(value, dtype) : value;
  });
}

function rounded(value: Value, to: Half): Value {
  return castTo(castTo(value, to), "float32");
}

function castTo(value: Value, to: Dtype): Value {
  return value.dtype === to ? value : value.graph.emit("Cast", [value], { to })[0];
}
