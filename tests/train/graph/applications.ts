import type { Dtype } from "../../../core/tensor.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { writeNode } from "../../../train/graph/onnx_nodes.ts";
import { OnnxWriter } from "../../../train/graph/onnx_writer.ts";
import type {
  OpAttributes,
  PrimitiveAttributes,
  PrimitiveOp,
} from "../../../train/graph/op_types.ts";
import type { Node, Value } from "../../../train/graph/value.ts";
import type { Runtime } from "../../../train/runtime/open_runtime.ts";

/** Operands by letter: x of the dtype under test (2, 2); i int64 (2, 2); see `operand()`. */
interface Application<Op extends PrimitiveOp> {
  readonly operands: string;
  readonly attributes: PrimitiveAttributes[Op];
}

const plain = (operands: string) => ({ operands, attributes: {} });
const untransposed = { transposeA: false, transposeB: true };
const axes = { axes: [1], keepDims: false };

/** Every primitive applied once; constants and sizes have no kernel of their own. */
export const APPLICATIONS: {
  readonly [Op in Exclude<PrimitiveOp, "Constant" | "Size">]: Application<Op>;
} = {
  Full: { operands: "", attributes: { value: 1, dtype: "float32", dims: [2] } },
  Neg: plain("x"),
  Exp: plain("x"),
  Log: plain("x"),
  Sqrt: plain("x"),
  Reciprocal: plain("x"),
  Sigmoid: plain("x"),
  Tanh: plain("x"),
  Relu: plain("x"),
  Abs: plain("x"),
  Sign: plain("x"),
  Not: plain("x"),
  Add: plain("xx"),
  Sub: plain("xx"),
  Mul: plain("xx"),
  Div: plain("xx"),
  Min: plain("xx"),
  Max: plain("xx"),
  And: plain("xx"),
  Equal: plain("xx"),
  Greater: plain("xx"),
  GreaterOrEqual: plain("xx"),
  Less: plain("xx"),
  LessOrEqual: plain("xx"),
  Where: plain("bxx"),
  Cast: { operands: "x", attributes: { to: "float32" } },
  ReduceSum: { operands: "x", attributes: axes },
  ReduceMean: { operands: "x", attributes: axes },
  ReduceMax: { operands: "x", attributes: axes },
  Reshape: { operands: "x", attributes: { dims: [4] } },
  Transpose: { operands: "x", attributes: { permutation: [1, 0] } },
  Expand: { operands: "x", attributes: { dims: [3, 2, 2] } },
  Concat: { operands: "xx", attributes: { axis: 0 } },
  Split: { operands: "x", attributes: { axis: 0, sizes: [1, 1] } },
  Slice: { operands: "x", attributes: { axis: 0, start: 0, end: 1 } },
  Trilu: { operands: "x", attributes: { upper: true, diagonal: 1 } },
  Gather: plain("xi"),
  GatherElements: { operands: "xi", attributes: { axis: 0 } },
  ScatterElementsAdd: { operands: "xix", attributes: { axis: 0 } },
  Gemm: { operands: "xx", attributes: untransposed },
  GemmAdd: { operands: "xxx", attributes: untransposed },
  MatMul: plain("xx"),
  Softmax: plain("x"),
  LogSoftmax: plain("x"),
  FusedMatMul: { operands: "xx", attributes: { ...untransposed, scale: 0.5 } },
  FusedRmsNorm: { operands: "xw", attributes: { epsilon: 1e-5 } },
  FusedSilu: plain("x"),
  FusedGeluTanh: plain("x"),
  FusedSoftplus: plain("x"),
  FusedRotary: { operands: "ycc", attributes: { heads: 1 } },
  FusedAttention: { operands: "hgge", attributes: { scale: 0.5 } },
  CachedAttention: {
    operands: "qqqkklsaa",
    attributes: { heads: 1, keyValueHeads: 1, scale: 1 },
  },
};

/** An op that is applied. */
export type AppliedOp = keyof typeof APPLICATIONS;

/** The model of one op; verification is left out, since what is verified against is under test. */
export function applied<Op extends AppliedOp>(op: Op, dtype: Dtype): Uint8Array {
  const graph = new Graph({ dtype: "float32" });
  const { operands, attributes } = APPLICATIONS[op];
  const inputs = [...operands].map((letter, i) => operand(graph, letter + i, dtype));
  const outputs = graph.emit(
    op,
    inputs,
    (op === "Full" ? { ...attributes, dtype } : attributes) as OpAttributes[Op],
  );
  const writer = new OnnxWriter(graph.inputs);
  const names = (values: readonly Value[]) => values.map(({ name }) => name);
  writeNode(graph.nodes[0] as unknown as Node<PrimitiveOp>, writer, {
    inputs: names(inputs),
    outputs: names(outputs),
  });
  return writer.model(new Map(outputs.map((value) => [value.name, value])));
}

function operand(graph: Graph, name: string, dtype: Dtype): Value {
  switch (name[0]) {
    case "b":
      return graph.input(name, "bool", [2, 2]);
    case "i":
      return graph.input(name, "int64", [2, 2]);
    case "w":
      return graph.input(name, dtype, [2]);
    case "y":
      return graph.input(name, dtype, [1, 2, 2]);
    case "c":
      return graph.input(name, dtype, [2, 1]);
    case "h":
      return graph.input(name, dtype, [1, 2, 4, 8]);
    case "g":
      return graph.input(name, dtype, [1, 1, 4, 8]);
    case "e":
      return graph.input(name, dtype, [1, 1, 4, 4]);
    case "q":
      return graph.input(name, dtype, [1, 1, 16]);
    case "k":
      return graph.input(name, dtype, [1, 1, 4, 16]);
    case "l":
      return graph.input(name, "int32", [1]);
    case "s":
      return graph.input(name, "int32", []);
    case "a":
      return graph.input(name, dtype, [4, 8]);
    default:
      return graph.input(name, dtype, [2, 2]);
  }
}

/** Why a runtime refuses a model; `undefined` when it does not. */
export async function refusal(runtime: Runtime, model: Uint8Array): Promise<string | undefined> {
  try {
    await (await runtime.session(model)).release();
  } catch (error) {
    return (error as Error).message;
  }
}
