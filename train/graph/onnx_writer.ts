import { ONNX_DTYPES } from "../../core/onnx_dtypes.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type Dim, termsOfDim } from "./dims.ts";
import type { Graph } from "./graph.ts";
import { Message } from "./protobuf.ts";
import { HOST_PREFIX } from "../runtime/node_names.ts";
import type { Value, ValueType } from "./value.ts";

/**
 * Versions of the operator sets written, unless a node is newer; what ONNX Runtime 1.29 supports of ONNX and
 * its own.
 */
const OPSETS = { "": 21, "com.microsoft": 1 } as const;

/** Versions of the ONNX file format that came with its opsets 21 and 23. */
const IR_VERSIONS = { 21: 10, 23: 11 } as const;

type Opset = keyof typeof IR_VERSIONS;

/** An attribute: a whole number, several, text, a real number, or a tensor. */
export type OnnxAttribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly tensor: Tensor };

/** One ONNX node. */
export interface OnnxNode {
  readonly opType: string;
  readonly domain?: keyof typeof OPSETS;
  /** The version of ONNX's operators that has it, where the usual one has not. */
  readonly opset?: Opset;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** Writes the nodes of one ONNX graph, with initialisers and sizes computed once each. */
export class OnnxWriter {
  readonly #graph = new Message();
  readonly #names = new Map<string, string>();
  readonly #symbols = new Map<string, { input: string; axis: number }>();
  readonly #inputs: ReadonlyMap<string, Value>;
  /** Values that are computed from sizes alone, and those that the model holds. */
  readonly #sizes = new Set<string>();
  readonly #held = new Set<string>();
  readonly #shapes = new Map<string, ValueType>();
  #count = 0;
  #opset: Opset = OPSETS[""];

  /**
   * @param constants inputs that are no inputs of the model but tensors that it names without holding
   *   them: whoever opens it supplies them, each as a file of its name
   */
  constructor(
    inputs: Graph["inputs"],
    private readonly constants: ReadonlySet<string> = new Set(),
  ) {
    this.#inputs = inputs;
    for (const [input, { dims }] of inputs) {
      dims.forEach((dim, axis) => {
        if (typeof dim === "string" && !this.#symbols.has(dim)) {
          this.#symbols.set(dim, { input, axis });
        }
      });
    }
  }

  /** Adds a node. */
  node({ opType, domain = "", opset, inputs, outputs, attributes = {} }: OnnxNode): void {
    if (opset !== undefined) this.#opset = opset;
    const message = new Message();
    for (const name of inputs) message.string(1, name);
    for (const name of outputs) message.string(2, name);
    const name = `${opType}_${this.#count++}`;
    const isSize = this.#isSize(opType, inputs);
    if (isSize) { for (const output of outputs) this.#sizes.add(output); }
    message.string(3, isSize ? `${HOST_PREFIX}${name}` : name).string(4, opType);
    for (const [name, attribute] of Object.entries(attributes)) {
      message.message(5, attributeMessage(name, attribute));
    }
    if (domain !== "") message.string(7, domain);
    this.#graph.message(1, message);
  }

  /**
   * Says what a node puts out, which ONNX Runtime could not work out itself where a shape is fed. It
   * plans memory by it: a freed tensor serves again only where both shapes are known to be equal, and
   * those that never match are looked through for each later one (12 s for a step of 30 layers, not 2).
   */
  shape(name: string, { dtype, dims }: ValueType): void {
    this.#shapes.set(name, { dtype, dims });
  }

  /** Adds a tensor under a name. */
  initializer(name: string, tensor: Tensor): void {
    this.#held.add(name);
    this.#graph.message(5, tensorMessage(tensor).string(8, name));
  }

  /** The name of a list of whole numbers, as shapes and axes are. */
  integers(values: readonly number[]): string {
    return this.#once(`integers:${values.join()}`, (name) =>
      this.initializer(name, {
        dtype: "int64",
        dims: [values.length],
        data: BigInt64Array.from(values, BigInt),
      }));
  }

  /** The name of a list of sizes, computed from the shapes of inputs where they are symbols. */
  sizes(dims: readonly Dim[]): string {
    if (dims.every((dim) => typeof dim === "number")) return this.integers(dims);
    if (dims.length === 1) return this.#size(dims[0]);
    return this.#once(`sizes:${dims.join()}`, (name) =>
      this.node({
        opType: "Concat",
        inputs: dims.map((dim) => this.#size(dim)),
        outputs: [name],
        attributes: { axis: 0 },
      }));
  }

  /** The whole model, in ONNX's file format. */
  model(outputs: ReadonlyMap<string, ValueType>): Uint8Array<ArrayBuffer> {
    this.#graph.string(2, "ballast");
    for (const [name, type] of this.#inputs) {
      if (this.constants.has(name)) this.#graph.message(5, externalTensor(name, type));
      else this.#graph.message(11, valueInfo(name, type));
    }
    for (const [name, type] of outputs) this.#graph.message(12, valueInfo(name, type));
    for (const [name, type] of this.#shapes) {
      if (!outputs.has(name)) this.#graph.message(13, valueInfo(name, type));
    }
    const model = new Message().integer(1, IR_VERSIONS[this.#opset]).string(2, "ballast")
      .message(7, this.#graph);
    for (const [domain, version] of Object.entries({ ...OPSETS, "": this.#opset })) {
      model.message(8, new Message().string(1, domain).integer(2, version));
    }
    return model.bytes();
  }

  /** Whether a node computes with nothing but sizes, which are at hand where no tensor is. */
  #isSize(opType: string, inputs: readonly string[]): boolean {
    if (opType === "Shape") return true;
    return opType !== "ConstantOfShape" && inputs.some((name) => this.#sizes.has(name)) &&
      inputs.every((name) => this.#sizes.has(name) || this.#held.has(name));
  }

  /** The name of one size as a list of one. */
  #size(dim: Dim): string {
    if (typeof dim === "number") return this.integers([dim]);
    const source = this.#symbols.get(dim);
    if (source !== undefined) return this.#inputSize(dim, source);
    if (/^\w+$/.test(dim)) throw new RangeError(`No input has a dimension "${dim}".`);
    const terms = termsOfDim(dim).map(({ coefficient, symbols }) => {
      const factors = symbols.map((symbol) => this.#size(symbol));
      if (coefficient !== 1 || factors.length === 0) factors.unshift(this.integers([coefficient]));
      return factors.reduce((a, b) => this.#combine("Mul", a, b));
    });
    return terms.reduce((a, b) => this.#combine("Add", a, b));
  }

  #inputSize(dim: string, { input, axis }: { input: string; axis: number }): string {
    return this.#once(`size:${dim}`, (name) =>
      this.node({
        opType: "Shape",
        inputs: [input],
        outputs: [name],
        attributes: { start: axis, end: axis + 1 },
      }));
  }

  #combine(opType: "Add" | "Mul", a: string, b: string): string {
    return this.#once(
      `${opType}:${a},${b}`,
      (name) => this.node({ opType, inputs: [a, b], outputs: [name] }),
    );
  }

  #once(key: string, write: (name: string) => void): string {
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = `%shape.${this.#names.size}`;
    this.#names.set(key, name);
    write(name);
    return name;
  }
}

function attributeMessage(name: string, attribute: OnnxAttribute): Message {
  const message = new Message().string(1, name);
  if (typeof attribute === "number") return message.integer(3, attribute).integer(20, 2);
  if (typeof attribute === "string") return message.string(4, attribute).integer(20, 3);
  if ("float" in attribute) return message.float(2, attribute.float).integer(20, 1);
  if ("tensor" in attribute) {
    return message.message(5, tensorMessage(attribute.tensor)).integer(20, 4);
  }
  for (const value of attribute) message.integer(8, value);
  return message.integer(20, 7);
}

function tensorMessage({ dtype, dims, data }: Tensor): Message {
  const message = new Message();
  for (const dim of dims) message.integer(1, dim);
  return message.integer(2, ONNX_DTYPES[dtype])
    .raw(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** A tensor in a file of its own, of its own name, whole. */
function externalTensor(name: string, { dtype, dims }: ValueType): Message {
  const message = new Message();
  for (const dim of dims) message.integer(1, Number(dim));
  return message.integer(2, ONNX_DTYPES[dtype]).string(8, name)
    .message(13, new Message().string(1, "location").string(2, name))
    .integer(14, 1);
}

function valueInfo(name: string, { dtype, dims }: ValueType): Message {
  const shape = new Message();
  for (const dim of dims) {
    const size = typeof dim === "number"
      ? new Message().integer(1, dim)
      : new Message().string(2, dim);
    shape.message(1, size);
  }
  const tensor = new Message().integer(1, ONNX_DTYPES[dtype]).message(2, shape);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}
