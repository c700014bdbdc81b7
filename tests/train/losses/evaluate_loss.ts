import type { Tensor } from "../../../core/tensor.ts";
import { gradients } from "../../../train/graph/gradients.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { add, reduceMean } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type { LossTerms, PairLogps } from "../../../train/losses/pair_logps.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";

/** Numbers for each field of `PairLogps`, one a pair; `meanChosenTokens` follows from them. */
export type PairNumbers = {
  readonly [Field in Exclude<keyof PairLogps, "meanChosenTokens">]: readonly number[];
};

/** What a loss gives in float64 arithmetic. */
export interface EvaluatedLoss {
  /** Means over the pairs, as training takes them. */
  readonly preference: number;
  readonly regulariser: number;
  /** What each pair adds to those means before they are divided. */
  readonly perPair: { readonly preference: number[]; readonly regulariser: number[] };
  /** Of the sum of both means; zeros where the loss does not read the input. */
  readonly gradChosen: number[];
  readonly gradRejected: number[];
}

/**
 * Evaluates a loss and its gradients on given log-probs.
 *
 * @param meanChosenTokens of a batch that these pairs are a part of; their own unless given
 */
export async function evaluateLoss(
  numbers: PairNumbers,
  loss: (logps: PairLogps) => LossTerms,
  meanChosenTokens: number = mean(numbers.chosenTokens),
): Promise<EvaluatedLoss> {
  const graph = new Graph({ dtype: "float64" });
  const inputs = new Proxy({} as PairLogps, {
    // Declared when read, because the verifier refuses an input that nothing needs.
    has: () => true,
    get: (_, field: string) =>
      graph.inputs.get(field) ?? graph.input(field, "float64", dimsOf(field, numbers)),
  });
  const terms = loss(inputs);
  const preference = reduceMean(terms.preference); // ()
  const regulariser = reduceMean(terms.regulariser); // ()
  for (const [name, value] of Object.entries({ preference, regulariser })) {
    graph.output(name, value);
    graph.output(`each/${name}`, terms[name as keyof LossTerms]);
  }
  const read = ["policyChosen", "policyRejected"].filter((name) => graph.inputs.has(name));
  const grads = gradients(
    add(preference, regulariser),
    read.map((name) => graph.inputs.get(name)!),
  );
  read.forEach((name, i) => graph.output(`grad/${name}`, grads[i]));
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(graph));
  const feeds: Record<string, Tensor> = {};
  for (const name of session.inputs) {
    const data = Float64Array.from(
      name === "meanChosenTokens" ? [meanChosenTokens] : numbers[name as keyof PairNumbers],
    );
    feeds[name] = { dtype: "float64", dims: dimsOf(name, numbers), data };
  }
  const results = await session.run(feeds);
  await session.release();
  const zeros = { data: new Float64Array(numbers.policyChosen.length) };
  const array = (name: string) => Array.from((results[name] ?? zeros).data as Float64Array);
  return {
    preference: array("preference")[0],
    regulariser: array("regulariser")[0],
    perPair: { preference: array("each/preference"), regulariser: array("each/regulariser") },
    gradChosen: array("grad/policyChosen"),
    gradRejected: array("grad/policyRejected"),
  };
}

function dimsOf(field: string, { policyChosen }: PairNumbers): number[] {
  return field === "meanChosenTokens" ? [] : [policyChosen.length];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Two pairs whose policy equals its reference: h = 0. */
export const AT_REFERENCE: PairNumbers = {
  policyChosen: [-10, -30],
  policyRejected: [-20, -40],
  referenceChosen: [-10, -30],
  referenceRejected: [-20, -40],
  chosenTokens: [5, 10],
  rejectedTokens: [4, 8],
};

/** Whether two numbers agree to 10⁻¹² of the expected one. */
export function isClose(found: number, expected: number): boolean {
  return Math.abs(found - expected) <= 1e-12 * Math.abs(expected);
}
