/**
 * What a loss of one's own is made of: `import { … } from "ballast/losses"`. ARCHITECTURE.md shows one.
 *
 * @module
 */
export * from "../graph/ops.ts";
export type { Value } from "../graph/value.ts";
export { defineLoss, type LossDefinition, type LossReads } from "./define_loss.ts";
export { type DpoCoefficients, dpoLoss } from "./dpo.ts";
export { type HingeCoefficients, hingeLoss } from "./hinge.ts";
export { type IpoCoefficients, ipoLoss } from "./ipo.ts";
export { negativeLogLikelihood } from "./negative_log_likelihood.ts";
export type { ChosenLogps, LossTerms, PairLogps } from "./pair_logps.ts";
export { type RpoCoefficients, rpoLoss } from "./rpo.ts";
export { type SftCoefficients, sftLoss } from "./sft.ts";
export { SFT_NORMALISATIONS, type SftNormalisation } from "./sft_normalisation.ts";
