import type { Tensor } from "../../../core/tensor.ts";
import { gradients } from "../../../train/graph/gradients.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { add } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type { LossTerms, PairLogps } from "../../../train/losses/pair_logps.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";

/** Numbers for each field of `PairLogps`, one a pair. */
export type PairNumbers = { readonly [Field in keyof PairLogps]: readonly number[] };

/** What a loss gives in float64 arithmetic. */
export interface EvaluatedLoss {
  readonly preference: number;
  readonly regulariser: number;
  /** Of the sum of both; zeros where the loss does not read the input. */
  readonly gradChosen: number[];
  readonly gradRejected: number[];
}

/** Evaluates a loss and its gradients on given log-probs. */
export async function evaluateLoss(
  numbers: PairNumbers,
  loss: (logps: PairLogps) => LossTerms,
): Promise<EvaluatedLoss> {
  const graph = new Graph({ dtype: "float64" });
  const inputs = new Proxy({} as PairLogps, {
    // Declared when read, because the verifier refuses an input that nothing needs.
    has: () => true,
    get: (_, field: string) =>
      graph.inputs.get(field) ?? graph.input(field, "float64", [numbers.policyChosen.length]),
  });
  const { preference, regulariser } = loss(inputs);
  graph.output("preference", preference);
  graph.output("regulariser", regulariser);
  const read = ["policyChosen", "policyRejected"].filter((name) => graph.inputs.has(name));
  const grads = gradients(
    add(preference, regulariser),
    read.map((name) => graph.inputs.get(name)!),
  );
  read.forEach((name, i) => graph.output(`grad/${name}`, grads[i]));
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(graph));
  const feeds: Record<string, Tensor> = {};
  for (const name of session.inputs) {
    const data = Float64Array.from(numbers[name as keyof PairLogps]);
    feeds[name] = { dtype: "float64", dims: [data.length], data };
  }
  const results = await session.run(feeds);
  await session.release();
  const zeros = { data: new Float64Array(numbers.policyChosen.length) };
  const array = (name: string) => Array.from((results[name] ?? zeros).data as Float64Array);
  return {
    preference: array("preference")[0],
    regulariser: array("regulariser")[0],
    gradChosen: array("grad/policyChosen"),
    gradRejected: array("grad/policyRejected"),
  };
}

/** One pair whose policy equals its reference: h = 0. */
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
