import type { TokenizedPair } from "../data/pair.ts";
import type { Tensor } from "../core/tensor.ts";
import type { PairScore } from "./logps.ts";
import type { RotaryAngles } from "./models/rotary_angles.ts";
import { batchSequences, type Sequence } from "./sequences.ts";
import { CHOSEN_PREFIX, REJECTED_PREFIX } from "./training_graph.ts";

/** Some pairs of a batch, with their log-probs under the reference where the loss reads those. */
export interface PairBatch {
  readonly pairs: readonly TokenizedPair[];
  readonly reference: readonly PairScore[] | null;
}

/** A batch of P pairs as the training graph is fed it, but for state and scalars. */
export function pairFeeds(
  { pairs, reference }: PairBatch,
  angles: RotaryAngles,
): Record<string, Tensor> {
  const chosen = pairs.map(({ prompt, chosen }) => ({ prompt, reply: chosen }));
  const rejected = pairs.flatMap(({ prompt, rejected }) =>
    rejected === null ? [] : [{ prompt, reply: rejected }]
  );
  const sequences = (prefix: string, rows: readonly Sequence[]) =>
    Object.fromEntries(
      Object.entries(batchSequences(rows, angles)).map(([name, tensor]) => [prefix + name, tensor]),
    );
  const chosenLengths = pairs.map(({ chosen }) => chosen.length);
  const chosenTokens = perPair(chosenLengths);
  const meanChosenTokens = mean(chosenLengths);
  if (reference !== null) {
    return {
      ...sequences(CHOSEN_PREFIX, [...chosen, ...rejected]),
      chosenTokens,
      meanChosenTokens,
      rejectedTokens: perPair(rejected.map(({ reply }) => reply.length)),
      referenceChosen: perPair(reference.map(({ chosenLogp }) => chosenLogp)),
      referenceRejected: perPair(reference.map(({ rejectedLogp }) => rejectedLogp!)),
    };
  }
  return {
    ...sequences(CHOSEN_PREFIX, chosen),
    ...(rejected.length > 0 ? sequences(REJECTED_PREFIX, rejected) : {}),
    chosenTokens,
    meanChosenTokens,
  };
}

function perPair(values: readonly number[]): Tensor<"float64"> {
  return { dtype: "float64", dims: [values.length], data: Float64Array.from(values) };
}

function mean(values: readonly number[]): Tensor<"float64"> {
  const sum = values.reduce((total, value) => total + value, 0);
  return { dtype: "float64", dims: [], data: Float64Array.of(sum / values.length) };
}
