import { full } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";

/**
 * What the losses read of the chosen replies: summed log-probs (nats) and lengths, each (P) unless it
 * says otherwise.
 */
export interface ChosenLogps {
  /** log π(chosen | prompt) under the policy. */
  readonly policyChosen: Value;
  /** Reply tokens that are summed, as a floating number. */
  readonly chosenTokens: Value;
  /** Mean of `chosenTokens` over the whole batch, however it is divided: (). */
  readonly meanChosenTokens: Value;
}

/** What the losses that compare pairs read, each (P). */
export interface PairLogps extends ChosenLogps {
  readonly policyRejected: Value;
  /** log π_ref(chosen | prompt) under the reference, constant. */
  readonly referenceChosen: Value;
  readonly referenceRejected: Value;
  readonly rejectedTokens: Value;
}

/**
 * The two parts of a loss, each (P): a number a pair, of that pair alone, with its coefficient in it.
 * Training minimises the mean, over the pairs of the whole batch, of their sum; so a batch in parts
 * gives the gradient of the batch as one.
 */
export interface LossTerms {
  /** What compares chosen with rejected; 0 for SFT alone. */
  readonly preference: Value;
  /** What keeps the chosen replies likely; 0 where there is none. */
  readonly regulariser: Value;
}

/** The part that a loss has not: 0 for each pair, as many as there are in `like`. */
export function noTerm(like: Value): Value {
  return full(like.graph, like.dims, { value: 0, dtype: like.dtype }); // (P)
}
