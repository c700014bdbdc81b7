import { ELEMENT_BYTES } from "../../core/tensor.ts";
import { type Dim, termsOfDim } from "../graph/dims.ts";
import type { Graph } from "../graph/graph.ts";
import { liveNodes } from "../graph/lower.ts";
import type { PrimitiveOp } from "../graph/op_types.ts";
import type { Node, Value } from "../graph/value.ts";

/** What a run of a graph takes. */
export interface RunMemory {
  /** The most that what it computes holds at once, beside what it is fed. */
  readonly bytes: number;
  /** Nodes that a session has of it. */
  readonly nodes: number;
}

/** Ops that ONNX Runtime writes over an operand of the same shape that nothing reads any more. */
const IN_PLACE: ReadonlySet<PrimitiveOp> = new Set([
  ...["Neg", "Exp", "Log", "Sqrt", "Reciprocal", "Sigmoid", "Tanh", "Relu", "Abs"] as const,
  ...["Add", "Sub", "Mul", "Div", "GemmAdd", "Softmax", "LogSoftmax"] as const,
  ...["FusedSilu", "FusedGeluTanh", "FusedSoftplus"] as const,
]);

/**
 * The memory of one run, found by going through the graph in ONNX Runtime's order: a tensor is there from
 * the node that computes it to the last that reads it.
 *
 * @param graph lowered, as it is written for a session
 * @param sizes of the dimensions' symbols
 * @param placed outputs that are written into memory that is there already
 * @throws RangeError for a symbol without a size
 */
export function runMemory(
  graph: Graph,
  { sizes, placed }: {
    readonly sizes: ReadonlyMap<string, number>;
    readonly placed: ReadonlySet<Value>;
  },
): RunMemory {
  const nodes = liveNodes(graph);
  const held = new HeldTensors(graph, { nodes, sizes, placed });
  for (const node of executionOrder(nodes)) held.compute(node);
  return { bytes: held.most, nodes: nodes.length };
}

/**
 * Nodes as ONNX Runtime runs them one after the other: depth first from what nothing reads, the last of
 * those first, so that a node comes just before the first that needs it.
 */
export function executionOrder(nodes: readonly Node[]): Node[] {
  const index = new Map(nodes.map((node, i) => [node, i]));
  const before = (node: Node) =>
    [...new Set(node.inputs.flatMap(({ producer }) => producer ?? []))]
      .sort((a, b) => index.get(a)! - index.get(b)!);
  const read = new Set(nodes.flatMap(before));
  const waiting = nodes.filter((node) => !read.has(node)).map((node) => ({ node, isReady: false }));
  const order = new Set<Node>();
  const entered = new Set<Node>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, isReady } = next;
    if (isReady) order.add(node);
    if (entered.has(node)) continue;
    entered.add(node);
    waiting.push(
      { node, isReady: true },
      ...before(node).map((node) => ({ node, isReady: false })),
    );
  }
  return [...order];
}

/** Memory of one or several tensors, such as one and what it is reshaped to. */
interface Held {
  readonly bytes: number;
  /** Reads that are still to come. */
  reads: number;
}

/** The tensors that are there while nodes are computed one by one. */
class HeldTensors {
  /** The most bytes that were held at once. */
  most = 0;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #placed: ReadonlySet<Value>;
  /** How often each value is read, or put out. */
  readonly #reads = new Map<Value, number>();
  readonly #held = new Map<Value, Held>();
  #bytes = 0;

  constructor(
    { outputs }: Graph,
    { nodes, sizes, placed }: {
      readonly nodes: readonly Node[];
      readonly sizes: ReadonlyMap<string, number>;
      readonly placed: ReadonlySet<Value>;
    },
  ) {
    this.#sizes = sizes;
    this.#placed = placed;
    const read = (value: Value) => this.#reads.set(value, this.#readsOf(value) + 1);
    for (const { inputs } of nodes) inputs.forEach(read);
    for (const value of outputs.values()) read(value);
  }

  compute(node: Node): void {
    for (const value of node.outputs) this.#hold(value, this.#takenOver(node, value));
    this.most = Math.max(this.most, this.#bytes);
    for (const value of node.inputs) this.#release(value);
    // Of several outputs nothing may read some.
    for (const value of node.outputs) {
      const held = this.#held.get(value)!;
      if (this.#readsOf(value) === 0 && held.reads === 0) this.#bytes -= held.bytes;
    }
  }

  #readsOf(value: Value): number {
    return this.#reads.get(value) ?? 0;
  }

  #hold(value: Value, taken: Held | null): void {
    const reads = this.#readsOf(value);
    if (taken !== null) taken.reads += reads;
    const held = taken ?? { bytes: this.#placed.has(value) ? 0 : this.#bytesOf(value), reads };
    this.#held.set(value, held);
    if (taken === null) this.#bytes += held.bytes;
  }

  /** The memory that an output takes over from an operand; null where it is given some. */
  #takenOver({ op, inputs }: Node, value: Value): Held | null {
    // What is fed is not counted, nor what it is reshaped to.
    if (op === "Reshape") return this.#held.get(inputs[0]) ?? { bytes: 0, reads: 0 };
    if (this.#placed.has(value) || !IN_PLACE.has(op as PrimitiveOp)) return null;
    const bytes = this.#bytesOf(value);
    const last = inputs.map((input) => this.#held.get(input))
      .find((held) => held !== undefined && held.reads === 1 && held.bytes === bytes);
    return last ?? null;
  }

  #release(value: Value): void {
    const held = this.#held.get(value);
    if (held === undefined) return;
    held.reads--;
    if (held.reads === 0) this.#bytes -= held.bytes;
  }

  #bytesOf({ dims, dtype, producer }: Value): number {
    // Constants are part of the model.
    if (producer?.inputs.length === 0 && dims.length === 0) return 0;
    const count = dims.reduce((product: number, dim) => product * this.#sizeOf(dim), 1);
    return ELEMENT_BYTES[dtype] * count;
  }

  #sizeOf(dim: Dim): number {
    return termsOfDim(dim).reduce((sum, { coefficient, symbols }) => {
      return sum + symbols.reduce((product, symbol) => {
        const size = this.#sizes.get(symbol);
        if (size === undefined) throw new RangeError(`Expected a size of ${symbol}.`);
        return product * size;
      }, coefficient);
    }, 0);
  }
}
