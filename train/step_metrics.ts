import type { PairScore } from "./logps.ts";
import type { TokenizedPair } from "../data/pair.ts";
import type { LossScale } from "./loss_scale.ts";
import type { StepRecord } from "./step_record.ts";

/** Global L2 norms of the gradients of a loss's two parts. */
export interface PartNorms {
  readonly preference: number;
  readonly regulariser: number;
}

/** What a step computed before it changed the weights. */
export interface StepOutputs {
  readonly preference: number;
  readonly regulariser: number;
  readonly gradNorm: number;
  /** Summed log-probs under the policy, (P). */
  readonly policyChosen: ArrayLike<number>;
  readonly policyRejected: ArrayLike<number> | null;
  /** Null on steps at which they were not measured. */
  readonly partNorms: PartNorms | null;
}

/** What a step's record is made from. */
export interface StepObservation {
  readonly step: number;
  readonly lr: number;
  /** The batch. */
  readonly pairs: readonly Pick<TokenizedPair, "prompt" | "chosen" | "rejected">[];
  readonly outputs: StepOutputs;
  /** The batch's log-probs under the reference, in the batch's order; null where the loss has none. */
  readonly reference: readonly PairScore[] | null;
  /** Null where the loss has none. */
  readonly beta: number | null;
  /** As the step found it; only where there is one. */
  readonly lossScale?: Pick<LossScale, "value" | "skipped">;
}

/** The record of one step. */
export function stepRecord(observation: StepObservation): StepRecord {
  const { step, lr, pairs, outputs, lossScale } = observation;
  const { preference, regulariser, gradNorm, policyChosen, policyRejected } = outputs;
  const isTooLarge = (norm: number) => lossScale !== undefined && !Number.isFinite(norm);
  return {
    step,
    loss: preference + regulariser,
    dpoLoss: preference,
    sftLoss: regulariser,
    chosenLogp: mean(policyChosen),
    rejectedLogp: policyRejected === null ? null : mean(policyRejected),
    ...rewards(observation),
    gradNorm: isTooLarge(gradNorm) ? null : gradNorm,
    ...partShares(isTooLarge(sumOf(outputs.partNorms)) ? null : outputs.partNorms),
    lr,
    pairs: pairs.length,
    tokens: pairs.reduce((sum, pair) => sum + tokensOf(pair), 0),
    ...lossScale && {
      lossScale: lossScale.value,
      skippedSteps: lossScale.skipped + (isTooLarge(gradNorm) ? 1 : 0),
    },
  };
}

function tokensOf({ prompt, chosen, rejected }: StepObservation["pairs"][number]): number {
  return prompt.length + chosen.length + (rejected?.length ?? 0);
}

function sumOf(norms: PartNorms | null): number {
  return norms === null ? 0 : norms.preference + norms.regulariser;
}

function partShares(norms: PartNorms | null) {
  const sum = sumOf(norms);
  const share = (norm: number | undefined) => norm === undefined || sum === 0 ? null : norm / sum;
  return {
    preferenceGradNorm: norms?.preference ?? null,
    regulariserGradNorm: norms?.regulariser ?? null,
    preferenceShare: share(norms?.preference),
    regulariserShare: share(norms?.regulariser),
  };
}

type Rewards = Pick<StepRecord, "rewardChosen" | "rewardRejected" | "margin" | "accuracy">;

/** Implicit rewards β · (log π − log π_ref) of DPO (Rafailov et al., 2023, section 5). */
function rewards({ outputs, reference, beta }: StepObservation): Rewards {
  const { policyChosen, policyRejected } = outputs;
  if (reference === null || beta === null || policyRejected === null) {
    return { rewardChosen: null, rewardRejected: null, margin: null, accuracy: null };
  }
  const chosen = reference.map(({ chosenLogp }, i) => beta * (policyChosen[i] - chosenLogp));
  const rejected = reference.map(({ rejectedLogp }, i) =>
    beta * (policyRejected[i] - rejectedLogp!)
  );
  const rewardChosen = mean(chosen);
  const rewardRejected = mean(rejected);
  const correct = chosen.map((reward, i) => preferred(reward - rejected[i]));
  const margin = rewardChosen - rewardRejected;
  return { rewardChosen, rewardRejected, margin, accuracy: mean(correct) };
}

/** Policy and reference are scored in different batches, so that equal ones differ in last bits. */
const TIE = 1e-6;

/** 1 when the chosen reply is preferred, 0 when the rejected one is, ½ for a tie. */
function preferred(margin: number): number {
  return Math.abs(margin) <= TIE ? 0.5 : margin > 0 ? 1 : 0;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
