/**
 * Graphs of tensor ops: built with the functions of `ops.ts`, differentiated by `gradients()`,
 * checked by `verify()`, and written as ONNX by `toOnnx()`.
 *
 * Dimension symbols (`"S"` sequences, `"T"` time, `"M"` reply positions) stand for sizes that are
 * known when the graph is run; each must be a whole dimension of some input.
 *
 * @example One step of gradient descent on a least-squares loss.
 * ```ts
 * import { openRuntime } from "../runtime/open_runtime.ts";
 * import { float32 } from "../../core/tensor.ts";
 * import { Graph } from "./graph.ts";
 * import { gradients } from "./gradients.ts";
 * import { linear, mul, reduceMean, sub } from "./ops.ts";
 * import { toOnnx } from "./to_onnx.ts";
 *
 * const graph = new Graph({ dtype: "float32" });
 * const x = graph.input("x", "float32", ["S", 2]);
 * const target = graph.input("target", "float32", ["S", 1]);
 * const weight = graph.input("weight", "float32", [1, 2]); // (out, in), as PyTorch has it
 * const error = sub(linear(x, weight), target); // (S, 1)
 * const loss = reduceMean(mul(error, error)); // ()
 * const [gradient] = gradients(loss, [weight]);
 * graph.output("loss", loss);
 * graph.output("next", sub(weight, mul(gradient, 0.1)));
 *
 * const session = await (await openRuntime({ threads: 1 })).session(toOnnx(graph)); // verifies
 * const { next } = await session.run({
 *   x: float32([1, 2], Float32Array.of(1, 2)),
 *   target: float32([1, 1], Float32Array.of(1)),
 *   weight: float32([1, 2], Float32Array.of(0, 0)),
 * });
 * if (Math.abs(Number(next.data[1]) - 0.4) > 1e-6) throw new Error();
 * await session.release();
 * ```
 *
 * @module
 */
import type { Dtype, Tensor } from "../../core/tensor.ts";
import { canonicalDim, type Dim } from "./dims.ts";
import { inferTypes } from "./infer.ts";
import type { OpAttributes, OpType } from "./op_types.ts";
import type { Node, Value, ValueType } from "./value.ts";

/** Constants up to this many elements are shared when equal. */
const SHARED_CONSTANT_ELEMENTS = 64;

/** A graph under construction. Equal applications of an op are one node. */
export class Graph {
  /** The floating type of scalars made by `scalar()`. */
  readonly dtype: "float32" | "float64";
  readonly #inputs = new Map<string, Value>();
  readonly #outputs = new Map<string, Value>();
  readonly #nodes: Node[] = [];
  readonly #known = new Map<string, Node>();
  readonly #numbers = new Map<Value, number>();

  constructor(options: { readonly dtype: "float32" | "float64" }) {
    this.dtype = options.dtype;
  }

  /** Inputs by name, in the order they were declared. */
  get inputs(): ReadonlyMap<string, Value> {
    return this.#inputs;
  }

  /** Outputs by name, in the order they were declared. */
  get outputs(): ReadonlyMap<string, Value> {
    return this.#outputs;
  }

  /** Nodes in the order they were built, which is a topological one. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /**
   * Declares a tensor that every run is fed.
   *
   * @throws RangeError when the name is taken or empty
   */
  input(name: string, dtype: Dtype, dims: readonly Dim[]): Value {
    if (name === "" || this.#inputs.has(name)) {
      throw new RangeError(`Expected an input name that is not in use but found "${name}".`);
    }
    const value = this.#value(name, { dtype, dims: dims.map(canonicalDim) });
    this.#inputs.set(name, value);
    return value;
  }

  /**
   * Declares a tensor that a run can fetch. A value may be an output under several names.
   *
   * @throws RangeError when the name is taken, by an input too, or the value is of another graph
   */
  output(name: string, value: Value): void {
    if (name === "" || this.#outputs.has(name) || this.#inputs.has(name)) {
      throw new RangeError(`Expected an output name that is not in use but found "${name}".`);
    }
    this.#requireOwn("output", [value]);
    this.#outputs.set(name, value);
  }

  /** A tensor that is part of the model. Weights are inputs instead, neither prepacked nor folded. */
  constant(tensor: Tensor): Value {
    return this.emit("Constant", [], { tensor })[0];
  }

  /** A scalar of the graph's floating type, or of the type given. */
  scalar(value: number, dtype: Dtype = this.dtype): Value {
    return this.emit("Full", [], { value, dtype, dims: [] })[0];
  }

  /**
   * Applies an op. Models and losses use the functions of `ops.ts`; this is what those call.
   *
   * @throws RangeError, TypeError when shapes or dtypes do not suit the op; names it and all of them
   */
  emit<Op extends OpType>(
    op: Op,
    inputs: readonly Value[],
    attributes: OpAttributes[Op],
  ): readonly Value[] {
    this.#requireOwn(op, inputs);
    const key = this.#key(op, inputs, attributes);
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known !== undefined) return known.outputs;
    const types = inferTypes(op, inputs, attributes);
    const outputs: Value[] = [];
    const node: Node<Op> = { op, inputs, outputs, attributes };
    const label = `${op}_${this.#nodes.length}`;
    types.forEach((type, i) => outputs.push(this.#value(`%${label}.${i}`, type, node)));
    this.#nodes.push(node);
    if (key !== undefined) this.#known.set(key, node);
    return outputs;
  }

  #value(name: string, { dtype, dims }: ValueType, producer?: Node): Value {
    const value: Value = { graph: this, name, dtype, dims, producer };
    this.#numbers.set(value, this.#numbers.size);
    return value;
  }

  #requireOwn(op: string, values: readonly Value[]): void {
    for (const value of values) {
      if (value.graph !== this) {
        throw new RangeError(`${op}: "${value.name}" belongs to another graph.`);
      }
    }
  }

  #key(op: OpType, inputs: readonly Value[], attributes: object): string | undefined {
    const numbers = inputs.map((value) => this.#numbers.get(value)).join();
    if (!("tensor" in attributes)) {
      return `${op}(${numbers})${JSON.stringify(attributes, spellNumber)}`;
    }
    const { dtype, dims, data } = attributes.tensor as Tensor;
    if (data.length > SHARED_CONSTANT_ELEMENTS) return undefined;
    return `${op}${dtype}[${dims.join()}]${data.join()}${
      [...data].some((x) => Object.is(x, -0)) ? "-0" : ""
    }`;
  }
}

/** JSON has no spelling for −0, infinities and NaN. */
function spellNumber(_: string, value: unknown): unknown {
  return typeof value === "number" ? (Object.is(value, -0) ? "-0" : String(value)) : value;
}
