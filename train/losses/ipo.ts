import { div, mul, sub } from "../graph/ops.ts";
import { type LossTerms, noTerm, type PairLogps } from "./pair_logps.ts";

/** Coefficients of `ipoLoss`. */
export interface IpoCoefficients {
  /** τ of the paper: the margin aimed at is 1 / (2β). */
  readonly beta: number;
}

/**
 * Identity Preference Optimization (Azar et al., AISTATS 2024, arXiv 2310.12036v2, equation 17), on
 * log-probs averaged over each reply's tokens, as TRL computes it:
 *
 *     h = (log π(y_w|x) − log π_ref(y_w|x)) / |y_w| − (log π(y_l|x) − log π_ref(y_l|x)) / |y_l|
 *     preference  = (h − 1 / (2β))²
 *     regulariser = 0
 *
 * Per pair; training takes the mean over the batch.
 */
export function ipoLoss(logps: PairLogps, { beta }: IpoCoefficients): LossTerms {
  const chosen = sub(logps.policyChosen, logps.referenceChosen); // (P)
  const rejected = sub(logps.policyRejected, logps.referenceRejected); // (P)
  const h = sub(div(chosen, logps.chosenTokens), div(rejected, logps.rejectedTokens)); // (P)
  const distance = sub(h, 1 / (2 * beta)); // (P)
  return {
    preference: mul(distance, distance), // (P)
    regulariser: noTerm(h),
  };
}
