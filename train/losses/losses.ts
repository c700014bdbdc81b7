import { Graph } from "../graph/graph.ts";
import { type CustomLoss, customTerms } from "./custom_loss.ts";
import { type DpoCoefficients, dpoLoss } from "./dpo.ts";
import { type HingeCoefficients, hingeLoss } from "./hinge.ts";
import { type IpoCoefficients, ipoLoss } from "./ipo.ts";
import { pairLogpsInputs } from "./logps_inputs.ts";
import type { ChosenLogps, LossTerms, PairLogps } from "./pair_logps.ts";
import { type RpoCoefficients, rpoLoss } from "./rpo.ts";
import { type SftCoefficients, sftLoss } from "./sft.ts";

/**
 * Every loss of the project by name, with the coefficients it needs: a file and an entry here. A loss
 * of one's own needs neither: see `CustomLoss`.
 */
export interface LossCoefficients {
  dpo: DpoCoefficients;
  rpo: RpoCoefficients;
  ipo: IpoCoefficients;
  hinge: HingeCoefficients;
  sft: SftCoefficients;
}

export type LossName = keyof LossCoefficients;

/** A loss with its coefficients, such as `{ loss: "dpo", beta: 0.1 }`. */
export type LossOptions = {
  [Name in LossName]: { readonly loss: Name } & LossCoefficients[Name];
}[LossName];

/** What is trained with: a loss of the project or of a file. */
export type TrainingLoss = LossOptions | CustomLoss;

/** The part of a loss that can be other than 0; "both" where both can. */
export type LossParts = "preference" | "regulariser" | "both";

/** A loss that compares chosen with rejected replies and with a reference. */
interface PairLoss<Coefficients> {
  readonly reads: "pairs";
  parts(coefficients: Coefficients): LossParts;
  terms(logps: PairLogps, coefficients: Coefficients): LossTerms;
}

/** A loss of the chosen replies alone. */
interface ChosenLoss<Coefficients> {
  readonly reads: "chosen";
  parts(coefficients: Coefficients): LossParts;
  terms(logps: ChosenLogps, coefficients: Coefficients): LossTerms;
}

type Losses = {
  readonly [Name in LossName]:
    | PairLoss<LossCoefficients[Name]>
    | ChosenLoss<LossCoefficients[Name]>;
};

/** What is known of each loss; one that is missing does not compile. */
export const LOSSES: Losses = {
  dpo: {
    reads: "pairs",
    parts: () => "preference",
    terms: dpoLoss,
  },
  rpo: {
    reads: "pairs",
    parts: ({ eta }) => eta > 0 ? "both" : "preference",
    terms: rpoLoss,
  },
  ipo: {
    reads: "pairs",
    parts: () => "preference",
    terms: ipoLoss,
  },
  hinge: {
    reads: "pairs",
    parts: () => "preference",
    terms: hingeLoss,
  },
  sft: {
    reads: "chosen",
    parts: () => "regulariser",
    terms: sftLoss,
  },
};

/**
 * The terms of the loss that the options name.
 *
 * @throws RangeError when the loss compares pairs and there are only chosen replies
 */
export function lossTerms(logps: ChosenLogps | PairLogps, loss: TrainingLoss): LossTerms {
  return loss.loss === "custom" ? customTerms(logps, loss) : termsOf(loss.loss, logps, loss);
}

/** Whether a loss reads pairs or the chosen replies alone. */
export function lossReads(loss: TrainingLoss): "pairs" | "chosen" {
  return loss.loss === "custom" ? loss.definition.reads : LOSSES[loss.loss].reads;
}

/**
 * Whether a loss reads log-probs under the reference, as the graph that it builds tells: one that
 * does not needs no reference scored.
 */
export function lossReadsReference(loss: TrainingLoss): boolean {
  if (lossReads(loss) === "chosen") return false;
  const graph = new Graph({ dtype: "float32" });
  lossTerms(pairLogpsInputs(graph), loss);
  return graph.inputs.has("referenceChosen") || graph.inputs.has("referenceRejected");
}

/** The part that a loss has alone; "both" where it has, or may have, two. */
export function lossParts(loss: TrainingLoss): LossParts {
  // What a file's loss leaves out depends on its coefficients.
  return loss.loss === "custom" ? "both" : partsOf(loss.loss, loss);
}

/** A loss's name, for messages. */
export function lossName(loss: TrainingLoss): string {
  return loss.loss === "custom" ? loss.definition.name : loss.loss;
}

/** β, by which rewards are scaled; null where the loss has none. */
export function lossBeta(loss: TrainingLoss): number | null {
  const coefficients = loss.loss === "custom" ? loss.coefficients : loss;
  return "beta" in coefficients && typeof coefficients.beta === "number" ? coefficients.beta : null;
}

/** What of a loss decides a run, as JSON. */
export function lossIdentity(loss: TrainingLoss): unknown {
  if (loss.loss !== "custom") return loss;
  return { loss: loss.loss, digest: loss.digest, coefficients: loss.coefficients };
}

function partsOf<Name extends LossName>(
  name: Name,
  coefficients: LossCoefficients[Name],
): LossParts {
  const loss: Losses[Name] = LOSSES[name];
  return loss.parts(coefficients);
}

function termsOf<Name extends LossName>(
  name: Name,
  logps: ChosenLogps | PairLogps,
  coefficients: LossCoefficients[Name],
): LossTerms {
  const loss: Losses[Name] = LOSSES[name];
  if (loss.reads === "chosen") return loss.terms(logps, coefficients);
  if ("policyRejected" in logps) return loss.terms(logps, coefficients);
  throw new RangeError(`Expected rejected replies for ${name}, which compares pairs.`);
}
