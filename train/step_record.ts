import { jsonLines } from "../core/json.ts";

/** What one training step saw, all of it before the step's update. */
export interface StepRecord {
  /** From 1. */
  readonly step: number;
  /** `dpoLoss` + `sftLoss`. */
  readonly loss: number;
  /** The preference loss of any kind; 0 for `sft`. */
  readonly dpoLoss: number;
  /** The regulariser with its coefficient; 0 where there is none. */
  readonly sftLoss: number;
  /** Batch mean of the summed log-probs (nats) of the chosen replies. */
  readonly chosenLogp: number;
  /** Of the rejected replies; null for demonstrations. */
  readonly rejectedLogp: number | null;
  /** β · batch mean of log π − log π_ref of the chosen replies; null without a reference. */
  readonly rewardChosen: number | null;
  readonly rewardRejected: number | null;
  /** `rewardChosen` − `rewardRejected`. */
  readonly margin: number | null;
  /** Fraction (0–1) of pairs whose chosen reward is above the rejected; a tie counts one half. */
  readonly accuracy: number | null;
  /** Global L2 norm of the gradient before clipping; null where `lossScale` was too large for it. */
  readonly gradNorm: number | null;
  /**
   * Of the gradient of `dpoLoss` and of that of `sftLoss` alone; null on steps at which they were not
   * measured. They add up as vectors: the sum of the norms is at least `gradNorm`.
   */
  readonly preferenceGradNorm: number | null;
  readonly regulariserGradNorm: number | null;
  /** Each part's norm over the sum of both; null where they were not measured, or both are 0. */
  readonly preferenceShare: number | null;
  readonly regulariserShare: number | null;
  readonly lr: number;
  readonly pairs: number;
  /** Prompt, chosen and rejected tokens of the batch; a pair's prompt, which its replies share, once. */
  readonly tokens: number;
  /** What the loss was multiplied by for its gradient; only where layers compute in float16. */
  readonly lossScale?: number;
  /** Steps up to this one that changed nothing, since `gradNorm` was null; beside `lossScale`. */
  readonly skippedSteps?: number;
}

/** Step records as lines of JSON, one a step. */
export function formatStepRecords(records: readonly StepRecord[]): string {
  return jsonLines(records);
}

/** The records of steps 1, 2, … that a text begins with: what follows a damaged line is left out. */
export function parseStepRecords(text: string): StepRecord[] {
  const records: StepRecord[] = [];
  // The last piece is empty, or a line that was cut off before its end.
  for (const line of text.split("\n").slice(0, -1)) {
    const record = parseRecord(line);
    if (record?.step !== records.length + 1) break;
    records.push(record);
  }
  return records;
}

function parseRecord(line: string): StepRecord | null {
  try {
    return JSON.parse(line) as StepRecord | null;
  } catch {
    return null;
  }
}
