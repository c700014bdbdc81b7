import { negativeLogLikelihood } from "./negative_log_likelihood.ts";
import { type ChosenLogps, type LossTerms, noTerm } from "./pair_logps.ts";
import type { SftNormalisation } from "./sft_normalisation.ts";

/** Coefficients of `sftLoss`. */
export interface SftCoefficients {
  readonly sft: SftNormalisation;
}

/**
 * Supervised fine-tuning on the chosen replies alone, the control beside RPO:
 *
 *     preference  = 0
 *     regulariser = NLL of the chosen reply, coefficient 1, normalised as `sft` says
 *
 * Per pair; training takes the mean over the batch. Reads neither rejected replies nor a reference; there is no β.
 */
export function sftLoss(logps: ChosenLogps, { sft }: SftCoefficients): LossTerms {
  const regulariser = negativeLogLikelihood(logps, sft); // (P)
  return { preference: noTerm(regulariser), regulariser };
}
