import type { Value } from "../graph/value.ts";

/** What the losses read of the chosen replies, each (P): summed log-probs (nats) and lengths. */
export interface ChosenLogps {
  /** log π(chosen | prompt) under the policy. */
  readonly policyChosen: Value;
  /** Reply tokens that are summed, as a floating number. */
  readonly chosenTokens: Value;
}

/** What the losses that compare pairs read, each (P). */
export interface PairLogps extends ChosenLogps {
  readonly policyRejected: Value;
  /** log π_ref(chosen | prompt) under the reference, constant. */
  readonly referenceChosen: Value;
  readonly referenceRejected: Value;
  readonly rejectedTokens: Value;
}

/** The two parts of a loss, each a scalar with its coefficient in it; training minimises their sum. */
export interface LossTerms {
  /** What compares chosen with rejected; 0 for SFT alone. */
  readonly preference: Value;
  /** What keeps the chosen replies likely; 0 where there is none. */
  readonly regulariser: Value;
}
