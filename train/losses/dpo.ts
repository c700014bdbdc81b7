import { mul, neg, softplus, sub } from "../graph/ops.ts";
import { type LossTerms, noTerm, type PairLogps } from "./pair_logps.ts";

/** Coefficients of `dpoLoss`. */
export interface DpoCoefficients {
  /** Strength of the KL constraint towards the reference. */
  readonly beta: number;
}

/**
 * Direct Preference Optimization (Rafailov et al., NeurIPS 2023, arXiv 2305.18290v3, equation 7):
 *
 *     h = log π(y_w|x)/π_ref(y_w|x) − log π(y_l|x)/π_ref(y_l|x)
 *     preference  = −log σ(β · h)
 *     regulariser = 0
 *
 * Per pair; training takes the mean over the batch. Log-probs are sums over the reply's tokens. β multiplies h inside the sigmoid and nothing else.
 */
export function dpoLoss(logps: PairLogps, { beta }: DpoCoefficients): LossTerms {
  const chosen = sub(logps.policyChosen, logps.referenceChosen); // (P)
  const rejected = sub(logps.policyRejected, logps.referenceRejected); // (P)
  const h = sub(chosen, rejected); // (P)
  // −log σ(z) = softplus(−z), which neither overflows nor loses the small values.
  const preference = softplus(neg(mul(h, beta))); // (P)
  return { preference, regulariser: noTerm(h) };
}
