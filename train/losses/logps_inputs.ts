import type { Graph } from "../graph/graph.ts";
import type { Dim } from "../graph/dims.ts";
import type { Value } from "../graph/value.ts";
import type { ChosenLogps, PairLogps } from "./pair_logps.ts";

/** The log-probs under the policy, where a graph computes them: (P), float64. */
export interface PolicyLogps {
  readonly policyChosen?: Value;
  readonly policyRejected?: Value;
}

/**
 * What a loss may read of the chosen replies. What `policy` does not hold is an input of the graph,
 * float64, declared when it is read: an input that nothing needs is refused.
 */
export function chosenLogpsInputs(graph: Graph, policy: PolicyLogps = {}): ChosenLogps {
  return {
    get policyChosen() {
      return policy.policyChosen ?? perPair(graph, "policyChosen");
    },
    get chosenTokens() {
      return perPair(graph, "chosenTokens");
    },
    get meanChosenTokens() {
      return perBatch(graph, "meanChosenTokens");
    },
  };
}

/** As `chosenLogpsInputs`, with what a loss may read of the rejected replies and of the reference. */
export function pairLogpsInputs(graph: Graph, policy: PolicyLogps = {}): PairLogps {
  const { policyRejected } = policy;
  const rejected: Record<Exclude<keyof PairLogps, keyof ChosenLogps>, PropertyDescriptor> = {
    policyRejected: { get: () => policyRejected ?? perPair(graph, "policyRejected") },
    referenceChosen: { get: () => perPair(graph, "referenceChosen") },
    referenceRejected: { get: () => perPair(graph, "referenceRejected") },
    rejectedTokens: { get: () => perPair(graph, "rejectedTokens") },
  };
  for (const property of Object.values(rejected)) property.enumerable = true;
  return Object.defineProperties(chosenLogpsInputs(graph, policy), rejected) as PairLogps;
}

/** An input (P), float64. */
export function perPair(graph: Graph, name: string): Value {
  return declared(graph, name, ["P"]);
}

/** An input (), float64. */
export function perBatch(graph: Graph, name: string): Value {
  return declared(graph, name, []);
}

function declared(graph: Graph, name: string, dims: readonly Dim[]): Value {
  return graph.inputs.get(name) ?? graph.input(name, "float64", dims);
}
