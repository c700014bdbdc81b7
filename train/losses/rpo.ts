import { mul } from "../graph/ops.ts";
import { dpoLoss } from "./dpo.ts";
import { negativeLogLikelihood } from "./negative_log_likelihood.ts";
import type { LossTerms, PairLogps } from "./pair_logps.ts";
import type { SftNormalisation } from "./sft_normalisation.ts";

/** Coefficients of `rpoLoss`. */
export interface RpoCoefficients {
  /** As in DPO; under `sum` it multiplies the SFT term too. */
  readonly beta: number;
  /** η for `sum`; the whole coefficient of the SFT term for the two means. */
  readonly eta: number;
  readonly sft: SftNormalisation;
}

/**
 * Regularized Preference Optimization (Liu et al., NeurIPS 2024, arXiv 2405.16436v3, section 4,
 * algorithm 2, with the chosen replies as the baseline policy): DPO plus the SFT loss on the chosen
 * replies, the minimax dual of an objective with an adversarially chosen reward.
 *
 *     preference  = −log σ(β · h)          (h as in DPO)
 *     regulariser = β · η · NLL   under `sum`            (summed over the reply's tokens)
 *                 = η · NLL       under `sequence_mean`  (mean over the reply's tokens)
 *                 = η · NLL       under `token_mean`     (the pair's part in the mean over all tokens)
 *
 * Per pair; training takes the mean over the batch.
 */
export function rpoLoss(logps: PairLogps, { beta, eta, sft }: RpoCoefficients): LossTerms {
  const { preference } = dpoLoss(logps, { beta });
  const coefficient = sft === "sum" ? beta * eta : eta;
  return { preference, regulariser: mul(negativeLogLikelihood(logps, sft), coefficient) };
}
