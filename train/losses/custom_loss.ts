import { equalDims, formatDims } from "../graph/dims.ts";
import { gradients } from "../graph/gradients.ts";
import { Graph } from "../graph/graph.ts";
import type { OpType } from "../graph/op_types.ts";
import { add, reduceMean } from "../graph/ops.ts";
import { toOnnx } from "../graph/to_onnx.ts";
import type { Value } from "../graph/value.ts";
import type { LossDefinition } from "./define_loss.ts";
import { chosenLogpsInputs, pairLogpsInputs } from "./logps_inputs.ts";
import { type ChosenLogps, type LossTerms, noTerm, type PairLogps } from "./pair_logps.ts";

/** A loss from a file, with its coefficients. */
export interface CustomLoss {
  readonly loss: "custom";
  readonly definition: LossDefinition;
  /** As the definition's schemas give them. */
  readonly coefficients: Readonly<Record<string, unknown>>;
  /** Digest of the file: training resumes only with the loss it began with. */
  readonly digest: string;
}

/**
 * The terms of a loss from a file.
 *
 * @throws TypeError, RangeError when it gives none, or one that is not one number a pair
 */
export function customTerms(
  logps: ChosenLogps | PairLogps,
  { definition, coefficients }: Pick<CustomLoss, "definition" | "coefficients">,
): LossTerms {
  const { preference, regulariser } = definition.terms(logps as PairLogps, coefficients) ?? {};
  const like = preference ?? regulariser;
  if (like === undefined) {
    throw new TypeError("Expected terms() to give preference, regulariser or both, found neither.");
  }
  for (const [name, value] of Object.entries({ preference, regulariser })) {
    if (value === undefined) continue;
    if (!isValue(value)) throw new TypeError(`Expected ${name} to be a value of the graph.`);
    const { dims, dtype } = logps.policyChosen;
    if (equalDims(value.dims, dims) && value.dtype === dtype) continue;
    throw new RangeError(
      `Expected ${name} to be one number a pair, ${dtype}${formatDims(dims)}, but found ` +
        `${value.dtype}${formatDims(value.dims)}.`,
    );
  }
  return { preference: preference ?? noTerm(like), regulariser: regulariser ?? noTerm(like) };
}

function isValue(value: unknown): value is Value {
  return typeof value === "object" && value !== null && "graph" in value && "dims" in value;
}

/**
 * The ops whose every element comes from the elements at its place: no others, since a batch may be
 * divided in parts, and what a pair reads of other pairs, or of how many there are, would be of its
 * part.
 */
const OF_ONE_PAIR: ReadonlySet<OpType> = new Set([
  ...["Constant", "Full", "Expand", "Cast", "Where", "GatedActivation"] as const,
  ...["Neg", "Exp", "Log", "Sqrt", "Reciprocal", "Abs", "Sign", "Not"] as const,
  ...["Sigmoid", "Tanh", "Softplus", "Relu"] as const,
  ...["Add", "Sub", "Mul", "Div", "Min", "Max", "And"] as const,
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"] as const,
]);

/** What is wrong with the graph that a loss builds; null for nothing. Runs no graph. */
export function customLossProblem(
  loss: Pick<CustomLoss, "definition" | "coefficients">,
): string | null {
  try {
    buildAlone(loss);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Builds a loss and its gradient on log-probs that are inputs. */
function buildAlone(loss: Pick<CustomLoss, "definition" | "coefficients">): void {
  const graph = new Graph({ dtype: "float32" });
  const { preference, regulariser } = customTerms(
    loss.definition.reads === "pairs" ? pairLogpsInputs(graph) : chosenLogpsInputs(graph),
    loss,
  );
  const across = graph.nodes.find(({ op }) => !OF_ONE_PAIR.has(op));
  if (across !== undefined) {
    throw new RangeError(
      "Expected each pair's terms to be of that pair alone, element by element, but found " +
        `${across.op}; training takes the mean over the batch.`,
    );
  }
  const total = reduceMean(add(preference, regulariser)); // ()
  graph.output("loss", total);
  const policy = ["policyChosen", "policyRejected"].flatMap((name) => graph.inputs.get(name) ?? []);
  gradients(total, policy).forEach((gradient, i) => graph.output(`gradient/${i}`, gradient));
  toOnnx(graph);
}
