import { div, neg, reduceMean, reduceSum } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { ChosenLogps } from "./pair_logps.ts";
import type { SftNormalisation } from "./sft_normalisation.ts";

/**
 * Negative log-likelihood of the chosen replies, a scalar, by normalisation (N_i tokens in reply i):
 *
 *     sum            mean over pairs of −Σₜ log π(yₜ)           (the RPO paper's main text)
 *     sequence_mean  mean over pairs of −(1/N_i) Σₜ log π(yₜ)   (the RPO paper's Appendix F; OpenRLHF)
 *     token_mean     −Σ_i Σₜ log π(yₜ) / Σ_i N_i                (TRL's "sft")
 */
export function negativeLogLikelihood(logps: ChosenLogps, sft: SftNormalisation): Value {
  return NORMALISATIONS[sft](logps);
}

const NORMALISATIONS: {
  readonly [Sft in SftNormalisation]: (logps: ChosenLogps) => Value;
} = {
  sum: ({ policyChosen }) => neg(reduceMean(policyChosen)),
  sequence_mean: ({ policyChosen, chosenTokens }) =>
    neg(reduceMean(div(policyChosen, chosenTokens))),
  token_mean: ({ policyChosen, chosenTokens }) =>
    neg(div(reduceSum(policyChosen), reduceSum(chosenTokens))),
};
