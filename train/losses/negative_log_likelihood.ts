import { div, neg } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { ChosenLogps } from "./pair_logps.ts";
import type { SftNormalisation } from "./sft_normalisation.ts";

/**
 * Negative log-likelihood of each chosen reply, (P), by normalisation (N_i tokens in reply i, N̄ the
 * mean of N_i over the whole batch):
 *
 *     sum            −Σₜ log π(yₜ)           (the RPO paper's main text)
 *     sequence_mean  −(1/N_i) Σₜ log π(yₜ)   (the RPO paper's Appendix F; OpenRLHF)
 *     token_mean     −(1/N̄) Σₜ log π(yₜ)     (TRL's "sft")
 *
 * Per pair; training takes the mean over the batch. That of `token_mean` is then the mean over all
 * chosen tokens: (1/P) Σ_i −log π_i / N̄ = −Σ_i log π_i / Σ_i N_i.
 */
export function negativeLogLikelihood(logps: ChosenLogps, sft: SftNormalisation): Value {
  return NORMALISATIONS[sft](logps);
}

const NORMALISATIONS: {
  readonly [Sft in SftNormalisation]: (logps: ChosenLogps) => Value;
} = {
  sum: ({ policyChosen }) => neg(policyChosen),
  sequence_mean: ({ policyChosen, chosenTokens }) => neg(div(policyChosen, chosenTokens)),
  token_mean: ({ policyChosen, meanChosenTokens }) => neg(div(policyChosen, meanChosenTokens)),
};
