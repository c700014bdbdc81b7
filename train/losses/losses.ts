import { type DpoCoefficients, dpoLoss } from "./dpo.ts";
import type { LossTerms, PairLogps } from "./pair_logps.ts";
import { type RpoCoefficients, rpoLoss } from "./rpo.ts";
import { type SftCoefficients, sftLoss } from "./sft.ts";

/** Every loss by name with the coefficients it needs. A new loss is a file and an entry here. */
export interface LossCoefficients {
  dpo: DpoCoefficients;
  rpo: RpoCoefficients;
  sft: SftCoefficients;
}

export type LossName = keyof LossCoefficients;

/** A loss with its coefficients, such as `{ loss: "dpo", beta: 0.1 }`. */
export type LossOptions = {
  [Name in LossName]: { readonly loss: Name } & LossCoefficients[Name];
}[LossName];

interface LossRule<Name extends LossName> {
  /** One line for documentation. */
  readonly describe: string;
  /** Compares with a reference and with rejected replies; otherwise only chosen ones are read. */
  readonly comparesPairs: boolean;
  terms(logps: PairLogps, coefficients: LossCoefficients[Name]): LossTerms;
}

/** What is known of each loss; one that is missing does not compile. */
export const LOSSES: { readonly [Name in LossName]: LossRule<Name> } = {
  dpo: {
    describe: "Direct Preference Optimization, sigmoid",
    comparesPairs: true,
    terms: dpoLoss,
  },
  rpo: {
    describe: "Regularized Preference Optimization: DPO plus SFT on the chosen replies",
    comparesPairs: true,
    terms: rpoLoss,
  },
  sft: {
    describe: "Supervised fine-tuning on the chosen replies",
    comparesPairs: false,
    terms: sftLoss,
  },
};

/** The terms of the loss that the options name. */
export function lossTerms(logps: PairLogps, options: LossOptions): LossTerms {
  return termsOf(options.loss, logps, options);
}

function termsOf<Name extends LossName>(
  name: Name,
  logps: PairLogps,
  coefficients: LossCoefficients[Name],
): LossTerms {
  return LOSSES[name].terms(logps, coefficients);
}
