import { ELEMENT_BYTES } from "../../core/tensor.ts";
import { type Dim, termsOfDim } from "../graph/dims.ts";
import type { Graph } from "../graph/graph.ts";
import { liveNodes } from "../graph/lower.ts";
import type { PrimitiveOp } from "../graph/op_types.ts";
import type { Target } from "../graph/target.ts";
import { formatType, type Node, type Value } from "../graph/value.ts";
import { LARGEST_BYTES } from "../runtime/host_memory.ts";
import { Arena, type Chunk } from "./arena.ts";
import { kernelBytes } from "./kernel_memory.ts";

/** What a run of a graph takes. */
export interface RunMemory {
  /**
   * The most that what it computes holds at once, beside what it is fed; on a GPU what the session's arena
   * has grown to.
   */
  readonly bytes: number;
  /**
   * On a processor the most where smaller tensors' memory is kept when they are freed, and that of the largest is not, as
   * `returnFreedMemory("largest")` has it: the most of each, at whatever time.
   */
  readonly keptBytes: number;
  /** Nodes that a session has of it. */
  readonly nodes: number;
}

/** Ops that ONNX Runtime has write over an operand of the same shape that nothing reads any more. */
const IN_PLACE: { readonly [T in Target]: ReadonlySet<PrimitiveOp> } = {
  cpu: new Set([
    ...["Neg", "Exp", "Log", "Sqrt", "Reciprocal", "Sigmoid", "Tanh", "Relu", "Abs"] as const,
    ...["Add", "Sub", "Mul", "Div", "GemmAdd", "Softmax", "LogSoftmax"] as const,
    ...["FusedSilu", "FusedGeluTanh", "FusedSoftplus"] as const,
  ]),
  // Kernels of activations alone are registered so (core/providers/cuda/activation/activations.cc).
  cuda: new Set(
    ["Sigmoid", "Tanh", "Relu", "FusedSilu", "FusedGeluTanh", "FusedSoftplus"] as const,
  ),
};

/** Runs of a shape after which its session's arena grows no more. */
const RUNS_THAT_GROW = 2;

/**
 * The memory of runs of one shape, found by going through the graph in ONNX Runtime's order, as ONNX Runtime plans it:
 * a tensor is there from the node that computes it to the last that reads it, and its memory for as long as
 * tensors of the same shape follow it there. On a GPU an arena hands it out.
 *
 * @param graph lowered, as it is written for a session
 * @param sizes of the dimensions' symbols
 * @param placed outputs that are written into memory that is there already
 * @param device what it runs on; `cpu` unless given
 * @throws RangeError for a symbol without a size
 */
export function runMemory(
  graph: Graph,
  { sizes, placed, device = "cpu" }: {
    readonly sizes: ReadonlyMap<string, number>;
    readonly placed: ReadonlySet<Value>;
    readonly device?: Target;
  },
): RunMemory {
  const nodes = liveNodes(graph);
  const pieces = new PlannedPieces(graph, { nodes: executionOrder(nodes), sizes, placed, device });
  if (device === "cuda") {
    const arena = new Arena();
    for (let run = 0; run < RUNS_THAT_GROW; run++) pieces.handOut(arena);
    return { bytes: arena.bytes, keptBytes: arena.bytes, nodes: nodes.length };
  }
  const isLargest = ({ bytes }: Piece) => bytes >= LARGEST_BYTES;
  const keptBytes = pieces.most(isLargest) + pieces.most((piece) => !isLargest(piece));
  return { bytes: pieces.most(() => true), keptBytes, nodes: nodes.length };
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

/** A piece of memory, and what is in it one after the other. */
interface Piece {
  readonly bytes: number;
  /** The shape and type that it was asked for with: it serves again for just these. */
  readonly type: string;
  /** Reads of what is in it that are still to come. */
  reads: number;
  /** The node after which nothing more is put into it or read from it. */
  end: number;
}

/** What is fed, or written into memory that is there already. */
const ELSEWHERE: Omit<Piece, "reads" | "end"> = { bytes: 0, type: "elsewhere" };

/**
 * The memory of tensors as ONNX Runtime plans it before any run: in place of an operand, else where a tensor
 * of the same shape was, else anew. It goes back once the last of those that share it has been read, so
 * that between them it is held in vain.
 */
class PlannedPieces {
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #placed: ReadonlySet<Value>;
  readonly #device: Target;
  /** How often each value is read, or put out. */
  readonly #reads = new Map<Value, number>();
  readonly #pieceOf = new Map<Value, Piece>();
  /** By their types; the last one let go comes last. */
  readonly #free = new Map<string, Piece[]>();
  /** Pieces by the node that first needs them. */
  readonly #begun: Piece[][] = [];

  constructor(
    { outputs }: Graph,
    { nodes, sizes, placed, device }: {
      readonly nodes: readonly Node[];
      readonly sizes: ReadonlyMap<string, number>;
      readonly placed: ReadonlySet<Value>;
      readonly device: Target;
    },
  ) {
    this.#sizes = sizes;
    this.#placed = placed;
    this.#device = device;
    const read = (value: Value) => this.#reads.set(value, this.#readsOf(value) + 1);
    for (const { inputs } of nodes) inputs.forEach(read);
    for (const value of outputs.values()) read(value);
    nodes.forEach((node, place) => this.#plan(node, place));
    for (const value of outputs.values()) {
      const piece = this.#pieceOf.get(value);
      if (piece !== undefined) piece.end = nodes.length;
    }
  }

  /** Has an arena hand them out and take them back, as a run does. */
  handOut(arena: Arena): void {
    const ended = this.#begun.map((): Chunk[] => []);
    this.#begun.forEach((pieces, place) => {
      for (const { bytes, end } of pieces) {
        // What is put out goes back after the last node.
        if (bytes > 0) ended[Math.min(end, ended.length - 1)].push(arena.allocate(bytes));
      }
      for (const chunk of ended[place]) arena.free(chunk);
    });
  }

  /** The most bytes that are held at once by pieces of a kind. */
  most(counts: (piece: Piece) => boolean): number {
    const begun = this.#begun.map((pieces) => pieces.filter(counts));
    const ended = begun.map(() => 0);
    for (const { bytes, end } of begun.flat()) if (end < ended.length) ended[end] += bytes;
    let [most, held] = [0, 0];
    begun.forEach((pieces, place) => {
      for (const { bytes } of pieces) held += bytes;
      most = Math.max(most, held);
      held -= ended[place];
    });
    return most;
  }

  #plan(node: Node, place: number): void {
    this.#begun[place] = [];
    for (const value of node.outputs) {
      const piece = this.#shared(node, value) ?? this.#begin(value, place);
      this.#pieceOf.set(value, piece);
      piece.reads += this.#readsOf(value);
      piece.end = place;
    }
    const bytes = kernelBytes(node, (dim) => this.#sizeOf(dim));
    if (bytes > 0) this.#begun[place].push({ bytes, type: "kernel", reads: 0, end: place });
    for (const value of node.inputs) {
      const piece = this.#pieceOf.get(value);
      if (piece === undefined) continue;
      piece.reads--;
      piece.end = place;
      this.#letGo(piece);
    }
    // Of several outputs nothing may read some.
    for (const value of node.outputs) {
      if (this.#readsOf(value) === 0) this.#letGo(this.#pieceOf.get(value)!);
    }
  }

  #letGo(piece: Piece): void {
    if (piece.reads > 0 || piece.bytes === 0) return;
    const free = this.#free.get(piece.type) ?? [];
    if (!free.includes(piece)) free.push(piece);
    this.#free.set(piece.type, free);
  }

  #readsOf(value: Value): number {
    return this.#reads.get(value) ?? 0;
  }

  #begin(value: Value, place: number): Piece {
    const isElsewhere = this.#placed.has(value);
    const piece: Piece = isElsewhere
      ? { ...ELSEWHERE, reads: 0, end: place }
      : { bytes: this.#bytesOf(value), type: formatType(value), reads: 0, end: place };
    this.#begun[place].push(piece);
    return piece;
  }

  /** The memory that a tensor shares with others: an operand's, or what was let go; null where it is given some. */
  #shared({ op, inputs }: Node, value: Value): Piece | null {
    if (this.#placed.has(value)) return null;
    // What is fed is not counted, nor what it is reshaped to.
    if (op === "Reshape") return this.#pieceOf.get(inputs[0]) ?? { ...ELSEWHERE, reads: 0, end: 0 };
    const bytes = this.#bytesOf(value);
    if (IN_PLACE[this.#device].has(op as PrimitiveOp)) {
      // A product is not written over what it is made of, but over what it is added to.
      const operands = op === "GemmAdd" ? inputs.slice(2) : inputs;
      const last = operands.map((input) => this.#pieceOf.get(input))
        .find((piece) => piece !== undefined && piece.reads === 1 && piece.bytes === bytes);
      if (last !== undefined) return last;
    }
    return this.#free.get(formatType(value))?.pop() ?? null;
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
