import type { Dim } from "./dims.ts";
import { equalDims } from "./dims.ts";
import { Graph } from "./graph.ts";
import { liveNodes } from "./lower.ts";
import type { OpAttributes } from "./op_types.ts";
import type { Node, Value } from "./value.ts";

/**
 * The same graph with a + b · c as one op, wherever the product is used for nothing else: it is added
 * to a as it is computed, which reads and writes less memory. Residuals, adapters, sums of cotangents
 * and gathered gradients are such sums.
 */
export function fuseSums(graph: Graph): Graph {
  const nodes = liveNodes(graph);
  const uses = countUses(graph, nodes);
  const isSingle = (value: Value) => uses.get(value) === 1;
  const fused = new Graph({ dtype: graph.dtype });
  const image = new Map<Value, Value>();
  for (const [name, { dtype, dims }] of graph.inputs) {
    image.set(graph.inputs.get(name)!, fused.input(name, dtype, dims));
  }
  const imageOf = (value: Value) => image.get(value)!;
  for (const node of nodes) {
    const sum = node.op === "Add" ? productSum(node, isSingle) : null;
    const outputs = sum === null
      ? fused.emit(node.op, node.inputs.map(imageOf), node.attributes)
      : [emitSum(sum, imageOf)];
    node.outputs.forEach((value, i) => image.set(value, outputs[i]));
  }
  for (const [name, value] of graph.outputs) fused.output(name, imageOf(value));
  return fused;
}

/** A sum of a value and a product, which may have been reshaped. */
interface ProductSum {
  readonly product: Node<"Gemm">;
  readonly other: Value;
  /** Of the sum. */
  readonly dims: readonly Dim[];
}

/** The parts of a sum of which one is a product; of two products, the one that was built last. */
function productSum(
  { inputs: [a, b], outputs: [sum] }: Node,
  isSingle: (value: Value) => boolean,
): ProductSum | null {
  for (const [other, summand] of [[a, b], [b, a]]) {
    const alike = equalDims(other.dims, sum.dims) && equalDims(summand.dims, sum.dims);
    const product = alike ? soleProduct(summand, isSingle) : null;
    if (product !== null) return { product, other, dims: sum.dims };
  }
  return null;
}

/** The product that a value is, when nothing else uses it. */
function soleProduct(value: Value, isSingle: (value: Value) => boolean): Node<"Gemm"> | null {
  const { producer } = value;
  if (producer === undefined || !isSingle(value)) return null;
  if (producer.op === "Gemm") return producer as Node<"Gemm">;
  return producer.op === "Reshape" ? soleProduct(producer.inputs[0], isSingle) : null;
}

function emitSum({ product, other, dims }: ProductSum, imageOf: (value: Value) => Value): Value {
  const { graph } = imageOf(other);
  const shaped = (value: Value, to: readonly Dim[]) =>
    equalDims(value.dims, to) ? value : graph.emit("Reshape", [value], { dims: to })[0];
  const operands = [
    ...product.inputs.map(imageOf),
    shaped(imageOf(other), product.outputs[0].dims),
  ];
  const attributes = product.attributes as OpAttributes["GemmAdd"];
  return shaped(graph.emit("GemmAdd", operands, attributes)[0], dims);
}

/** How often each value is read or put out. */
function countUses(graph: Graph, nodes: readonly Node[]): ReadonlyMap<Value, number> {
  const uses = new Map<Value, number>();
  const count = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { inputs } of nodes) inputs.forEach(count);
  for (const value of graph.outputs.values()) count(value);
  return uses;
}
