import { mul, relu, sub } from "../graph/ops.ts";
import { type LossTerms, noTerm, type PairLogps } from "./pair_logps.ts";

/** Coefficients of `hingeLoss`. */
export interface HingeCoefficients {
  /** Pairs whose margin h has passed 1 / β give no gradient. */
  readonly beta: number;
}

/**
 * The hinge loss on DPO's margin (SLiC as Liu et al. normalise it: RSO, ICLR 2024, arXiv 2309.06657,
 * section 3.3):
 *
 *     preference  = max(0, 1 − β · h)          (h as in DPO)
 *     regulariser = 0
 *
 * Per pair; training takes the mean over the batch.
 */
export function hingeLoss(logps: PairLogps, { beta }: HingeCoefficients): LossTerms {
  const chosen = sub(logps.policyChosen, logps.referenceChosen); // (P)
  const rejected = sub(logps.policyRejected, logps.referenceRejected); // (P)
  const h = sub(chosen, rejected); // (P)
  return {
    preference: relu(sub(1, mul(h, beta))), // (P)
    regulariser: noTerm(h),
  };
}
