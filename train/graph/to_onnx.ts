import { collapseReshapes } from "./collapse_reshapes.ts";
import { fuseSums } from "./fuse_sums.ts";
import type { Graph } from "./graph.ts";
import { liveNodes, lower } from "./lower.ts";
import { writeNode } from "./onnx_nodes.ts";
import { OnnxWriter } from "./onnx_writer.ts";
import type { PrimitiveOp } from "./op_types.ts";
import type { Node, Value } from "./value.ts";
import { CUDA_KERNELS } from "./cuda_kernels.ts";
import { emulateHalves, hasHalves } from "./emulate_halves.ts";
import { KERNELS } from "./kernels.ts";
import type { Target } from "./target.ts";
import { type Kernels, verify } from "./verify.ts";

/** How a model is written. */
export interface OnnxOptions {
  /** What it is lowered for; `cpu` unless given. */
  readonly target?: Target;
  /**
   * Whether 16-bit floats are computed as float32 and rounded after each op, as the CPU, which has no
   * kernels for them, needs it; `true` where the target is the CPU, unless given.
   */
  readonly emulatesHalves?: boolean;
  /** Inputs that are supplied once, to the session, and never change; none unless given. */
  readonly constants?: ReadonlySet<string>;
}

const KERNELS_OF: { readonly [T in Target]: Kernels } = {
  cpu: { processor: "CPU", table: KERNELS },
  cuda: { processor: "CUDA", table: CUDA_KERNELS },
};

/**
 * The graph as an ONNX model. It is verified first, lowered to ops that ONNX Runtime has, and
 * verified again.
 *
 * @throws GraphError with every violation found
 */
export function toOnnx(
  graph: Graph,
  { constants, ...options }: OnnxOptions = {},
): Uint8Array<ArrayBuffer> {
  const { target, halves } = wayToLower(graph, options);
  verify(graph, KERNELS_OF[halves ? "cuda" : target]);
  const lowered = lowerForSession(graph, options);
  verify(lowered, KERNELS_OF[halves ? "cpu" : target]);
  const writer = new OnnxWriter(lowered.inputs, constants);
  const names = tensorNames(lowered);
  const nameOf = (value: Value) => names.get(value) ?? value.name;
  for (const node of liveNodes(lowered)) {
    writeNode(node as Node<PrimitiveOp>, writer, {
      inputs: node.inputs.map(nameOf),
      outputs: node.outputs.map(nameOf),
    });
    for (const value of node.outputs) writer.shape(nameOf(value), value);
  }
  for (const [name, value] of lowered.outputs) {
    if (nameOf(value) === name) continue;
    writer.node({ opType: "Identity", inputs: [nameOf(value)], outputs: [name] });
  }
  return writer.model(lowered.outputs);
}

/** The graph as a session has it, node for node. */
export function lowerForSession(
  graph: Graph,
  options: Omit<OnnxOptions, "constants"> = {},
): Graph {
  const { target, halves } = wayToLower(graph, options);
  const reduced = collapseReshapes(fuseSums(lower(graph, target)));
  return halves ? emulateHalves(reduced) : reduced;
}

/** What a graph is lowered for, and whether its 16-bit floats are emulated. */
function wayToLower(
  graph: Graph,
  { target = "cpu", emulatesHalves = target === "cpu" }: OnnxOptions,
) {
  return { target, halves: emulatesHalves && hasHalves(graph) };
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
