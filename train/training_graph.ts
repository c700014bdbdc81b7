import { Graph } from "./graph/graph.ts";
import { gradients } from "./graph/gradients.ts";
import { add, split } from "./graph/ops.ts";
import type { Value } from "./graph/value.ts";
import { LOSSES, type LossOptions, lossTerms } from "./losses/losses.ts";
import type { ChosenLogps, PairLogps } from "./losses/pair_logps.ts";
import type { ModelConfig } from "./models/config.ts";
import { Transformer, weightInputs } from "./models/transformer.ts";
import { sequenceLogps, summedBatchInputs } from "./models/sequence_logps.ts";
import { adamw, type AdamwOptions } from "./optim/adamw.ts";
import { clipByGlobalNorm, globalNorm } from "./optim/clip_by_global_norm.ts";
import { chain, type TrainedParameter, type Transformation } from "./optim/transformation.ts";

/** What one training step computes. */
export interface TrainingGraphOptions {
  readonly config: ModelConfig;
  readonly loss: LossOptions;
  /** Whether batches have rejected replies. */
  readonly paired: boolean;
  readonly maxGradNorm: number;
  readonly adamw: AdamwOptions;
}

/** Where a graph finds the batch's sequences. */
export const CHOSEN_PREFIX = "";
export const REJECTED_PREFIX = "rejected/";

/** The output that holds the next value of a weight or of a moment. */
export function nextName(name: string): string {
  return `next/${name}`;
}

/** The input that holds a weight's moment: slot `m` (first) or `v` (second). */
export function momentName(slot: string, weight: string): string {
  return `${slot}/${weight}`;
}

/**
 * One step of training as one graph: forward, loss, backward, clipping and AdamW.
 *
 * Inputs: weights and moments; the sequences of P pairs (a loss of pairs reads chosen and rejected
 * ones as one batch of 2P; a loss of chosen replies reads P, and P rejected ones in a batch of their
 * own, forward only); (P) float64 of `PairLogps`' fields but the policy's, those that the loss reads;
 * AdamW's scalars.
 *
 * Outputs, all but the last from before the update: `preference`, `regulariser`, `gradNorm` (scalars);
 * `policyChosen`, `policyRejected` (P); `next/…` weights and moments.
 */
export function trainingGraph(options: TrainingGraphOptions): Graph {
  const graph = new Graph({ dtype: "float32" });
  const weights = weightInputs(graph, options.config);
  const transformer = new Transformer(options.config, weights);
  const logps = LOSSES[options.loss.loss].reads === "pairs"
    ? pairLogps(graph, transformer)
    : chosenLogps(graph, transformer, options.paired);
  const { preference, regulariser } = lossTerms(logps, options.loss);
  const grads = gradients(add(preference, regulariser), [...weights.values()]);
  graph.output("preference", preference);
  graph.output("regulariser", regulariser);
  graph.output("gradNorm", globalNorm(grads));
  graph.output("policyChosen", logps.policyChosen);
  if ("policyRejected" in logps && logps.policyRejected !== undefined) {
    graph.output("policyRejected", logps.policyRejected);
  }
  const parameters = [...weights].map(([name, value]) => ({ name, value }));
  declareUpdate(graph, { optimiser: stepOptimiser(graph, options), parameters, grads });
  return graph;
}

/** Chosen and rejected replies as one batch: log-probs of 2P sequences, split in two. */
function pairLogps(graph: Graph, transformer: Transformer): PairLogps {
  const symbols = { sequences: "2*P", time: "T", tokens: "N", replyTokens: "M" };
  const batch = summedBatchInputs(graph, transformer.config, { prefix: CHOSEN_PREFIX, symbols });
  const [policyChosen, policyRejected] = split(sequenceLogps(transformer, batch), {
    axis: 0,
    sizes: ["P", "P"],
  });
  return {
    policyChosen,
    policyRejected,
    get referenceChosen() {
      return perPair(graph, "referenceChosen");
    },
    get referenceRejected() {
      return perPair(graph, "referenceRejected");
    },
    get chosenTokens() {
      return perPair(graph, "chosenTokens");
    },
    get rejectedTokens() {
      return perPair(graph, "rejectedTokens");
    },
  };
}

/** An input (P), declared when a loss reads it: an input that nothing needs is refused. */
function perPair(graph: Graph, name: string): Value {
  return graph.inputs.get(name) ?? graph.input(name, "float64", ["P"]);
}

/** Chosen replies, and apart from them, for the record only, rejected ones. */
function chosenLogps(
  graph: Graph,
  transformer: Transformer,
  paired: boolean,
): ChosenLogps & { readonly policyRejected?: Value } {
  const symbols = { sequences: "P", time: "T", tokens: "N", replyTokens: "M" };
  const batch = summedBatchInputs(graph, transformer.config, { prefix: CHOSEN_PREFIX, symbols });
  const policyChosen = sequenceLogps(transformer, batch);
  const policyRejected = paired ? rejectedLogps(graph, transformer) : undefined;
  return {
    policyChosen,
    policyRejected,
    get chosenTokens() {
      return perPair(graph, "chosenTokens");
    },
  };
}

function rejectedLogps(graph: Graph, transformer: Transformer): Value {
  const rejected = summedBatchInputs(graph, transformer.config, {
    prefix: REJECTED_PREFIX,
    symbols: { sequences: "P", time: "U", tokens: "R", replyTokens: "Q" },
  });
  return sequenceLogps(transformer, rejected);
}

function stepOptimiser(graph: Graph, options: TrainingGraphOptions): Transformation {
  const scalar = (name: string) => graph.inputs.get(name) ?? graph.input(name, graph.dtype, []);
  return chain(
    clipByGlobalNorm(options.maxGradNorm),
    adamw(options.adamw, {
      stepSize: scalar("stepSize"),
      epsilon: scalar("epsilon"),
      get decay() {
        return scalar("decay");
      },
    }),
  );
}

/** Declares the optimiser's state as inputs, and what follows from the gradients as outputs. */
function declareUpdate(graph: Graph, { optimiser, parameters, grads }: {
  readonly optimiser: Transformation;
  readonly parameters: readonly TrainedParameter[];
  readonly grads: readonly Value[];
}): void {
  const state: Record<string, Value[]> = {};
  for (const { name, value } of parameters) {
    for (const [slot, dims] of Object.entries(optimiser.init(value.dims))) {
      (state[slot] ??= []).push(graph.input(momentName(slot, name), graph.dtype, dims));
    }
  }
  const next = optimiser.update(grads, state, parameters);
  parameters.forEach(({ name, value }, i) => {
    graph.output(nextName(name), add(value, next.updates[i]));
    for (const [slot, values] of Object.entries(next.state)) {
      graph.output(nextName(momentName(slot, name)), values[i]);
    }
  });
}
