import { type Dim, formatDims, symbolsOfDim } from "./dims.ts";
import { inferTypes } from "./infer.ts";
import { KERNELS, type KernelTable } from "./kernels.ts";
import { formatType, type Node, type Value, type ValueType } from "./value.ts";

/** What a graph is made of, as `Graph` gives it. */
export interface GraphView {
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
  readonly nodes: readonly Node[];
}

/** A graph that is not well formed: every violation, with op, name and shapes. */
export class GraphError extends Error {
  override readonly name = "GraphError";

  constructor(readonly violations: readonly string[]) {
    super(violations.join("\n"));
  }
}

/**
 * Checks that a graph is what `RULES` says a graph is.
 *
 * @param kernels which kernels there are; those of the CPU unless given
 * @throws GraphError with every violation of every rule
 */
export function verify(graph: GraphView, kernels: Kernels = HOST): void {
  const violations = Object.values(RULES).flatMap((rule) => [...rule(graph, kernels)]);
  if (violations.length > 0) throw new GraphError(violations);
}

/** Which kernels a graph may rely on. */
export interface Kernels {
  /** As messages name it. */
  readonly processor: string;
  readonly table: KernelTable;
}

const HOST: Kernels = { processor: "CPU", table: KERNELS };

type Rule = (graph: GraphView, kernels: Kernels) => Iterable<string>;

/** What a well-formed graph is; each rule yields its violations. */
const RULES = {
  *hasOutputs({ outputs }) {
    if (outputs.size === 0) yield "The graph has no outputs.";
  },

  *opsAreKnown({ nodes }) {
    for (const node of nodes) {
      if (!(node.op in KERNELS)) yield `${describe(node)}: no such op.`;
    }
  },

  *namesAreUnique(graph) {
    const owners = new Map<string, Value>();
    for (const value of values(graph)) {
      const owner = owners.get(value.name);
      if (owner !== undefined && owner !== value) {
        yield `"${value.name}" names both ${formatType(owner)} and ${formatType(value)}.`;
      }
      owners.set(value.name, value);
    }
  },

  *eachValueIsMadeOnce({ inputs, nodes }) {
    const made = new Set(inputs.values());
    for (const node of nodes) {
      for (const output of node.outputs) {
        if (made.has(output)) yield `${describe(node)}: "${output.name}" is made a second time.`;
        made.add(output);
      }
    }
  },

  *valuesAreMadeBeforeUse({ inputs, outputs, nodes }) {
    const made = new Set(inputs.values());
    for (const node of nodes) {
      for (const input of node.inputs) {
        if (!made.has(input)) yield `${describe(node)}: "${input.name}" is not made before it.`;
      }
      for (const output of node.outputs) made.add(output);
    }
    for (const [name, value] of outputs) {
      if (!made.has(value)) yield `Output "${name}": nothing makes ${formatType(value)}.`;
    }
  },

  *typesAreWhatOpsGive({ nodes }) {
    for (const node of nodes.filter(({ op }) => op in KERNELS)) {
      const found = node.outputs.map(formatType).join(", ");
      const expected = inferred(node);
      if (expected instanceof Error) yield `${describe(node)}: ${expected.message}`;
      else if (expected.map(formatType).join(", ") !== found) {
        yield `${describe(node)}: expected ${expected.map(formatType).join(", ")} out of it.`;
      }
    }
  },

  *dtypesHaveKernels({ nodes }, { processor, table }) {
    for (const node of nodes) {
      const { dtype } = decidingOperand(node);
      const kernels = table[node.op] ?? [dtype];
      if (!kernels.includes(dtype)) {
        yield `${describe(node)}: no ${processor} kernel for ${dtype}, only for ${
          kernels.join(", ")
        }.`;
      }
    }
  },

  *inputsAreUsed({ inputs, outputs, nodes }) {
    const needed = new Set(outputs.values());
    for (const node of nodes.toReversed()) {
      if (!node.outputs.some((value) => needed.has(value))) continue;
      for (const input of node.inputs) needed.add(input);
    }
    for (const [name, input] of inputs) {
      if (!needed.has(input)) yield `Input "${name}" ${formatType(input)}: no output needs it.`;
    }
  },

  *symbolsAreSizesOfInputs(graph) {
    const sizes = new Set([...graph.inputs.values()].flatMap(({ dims }) => dims));
    const users = new Map<string, string>();
    for (const { name, dims, producer } of values(graph)) {
      for (const dim of [...dims, ...attributeDims(producer)]) {
        for (const symbol of sizes.has(dim) ? [] : symbolsOfDim(dim)) {
          if (!sizes.has(symbol) && !users.has(symbol)) {
            users.set(symbol, `${name}${formatDims(dims)}`);
          }
        }
      }
    }
    for (const [symbol, user] of users) {
      yield `${user}: no input has a dimension "${symbol}", so it has no size.`;
    }
  },

  *namesCanBeWritten({ inputs, outputs }) {
    for (const name of [...inputs.keys(), ...outputs.keys()]) {
      if (name.startsWith("%")) yield `"${name}": names with % are for values inside a graph.`;
    }
    for (const name of outputs.keys()) {
      if (inputs.has(name)) yield `"${name}" names an input and an output.`;
    }
  },
} satisfies Record<string, Rule>;

/** The operand whose dtype picks the kernel. */
function decidingOperand({ op, inputs, outputs }: Node): ValueType {
  return inputs[op === "Where" ? 1 : 0] ?? outputs[0];
}

/** Op, names and all types: `Add %Add_3.0 (float32[2], float32[3] → float32[3])`. */
function describe({ op, inputs, outputs }: Node): string {
  const types = [inputs, outputs].map((list) => list.map(formatType).join(", "));
  return `${op} ${outputs.map(({ name }) => name).join(", ")} (${types[0]} → ${types[1]})`;
}

function inferred({ op, inputs, attributes }: Node): readonly ValueType[] | Error {
  try {
    return inferTypes(op, inputs, attributes);
  } catch (error) {
    return error as Error;
  }
}

/** Sizes that an op is told beside the shapes of its operands. */
function attributeDims(node: Node | undefined): readonly Dim[] {
  if (node === undefined) return [];
  const { attributes } = node;
  if ("dim" in attributes) return [attributes.dim];
  return "start" in attributes ? [attributes.start, attributes.end] : [];
}

function values({ inputs, nodes }: GraphView): Value[] {
  return [...inputs.values(), ...nodes.flatMap(({ outputs }) => outputs)];
}
