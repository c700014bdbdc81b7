import { ExpectedError } from "../core/problem.ts";
import type { TrainingState } from "./checkpoint.ts";
import { LEAST_SCALE } from "./loss_scale.ts";
import type { Weights } from "./models/model.ts";
import type { PairBatch } from "./pair_packs.ts";
import { widened } from "./precision.ts";
import type { StepOutputs } from "./step_metrics.ts";
import type { StepRecord } from "./step_record.ts";

/** What a step read and computed, in full. */
export interface StepNumbers extends PairBatch {
  /** What the step began with; asked for only to find where it went wrong. */
  readonly weights: () => Promise<Weights>;
  /** The step of the newest checkpoint; null when there is none. */
  readonly checkpoint: number | null;
  readonly outputs: Pick<StepOutputs, "policyChosen" | "policyRejected"> & {
    /** The L2 norm of each parameter's gradient, from the first layer to the last, when asked for. */
    readonly norms: () => Promise<ReadonlyMap<string, number>>;
  };
}

/**
 * Stops a run whose step is not finite, before its update: past it every number would be NaN. Gradients
 * alone may be infinite where a smaller scale of the loss is still to be tried.
 *
 * @throws ExpectedError that names the first tensor that is not finite, in the order of computation
 */
export async function requireFinite(record: StepRecord, numbers: StepNumbers): Promise<void> {
  const { dpoLoss, sftLoss, gradNorm, lossScale } = record;
  const { policyChosen, policyRejected } = numbers.outputs;
  const logps = [...Array.from(policyChosen), ...Array.from(policyRejected ?? [])];
  // A scale that can still be halved may have made gradients too large, but nothing before them.
  const isFinite = Number.isFinite(gradNorm) ||
    lossScale !== undefined && lossScale / 2 >= LEAST_SCALE;
  if (isFinite && [dpoLoss, sftLoss, ...logps].every(Number.isFinite)) return;
  const tensors = { weights: await numbers.weights(), norms: await numbers.outputs.norms() };
  const [name, value] = firstNotFinite(record, numbers, tensors);
  const ids = numbers.pairs.slice(0, 3).map(({ id }) => id).join(", ");
  throw new ExpectedError(
    `Training stopped at step ${record.step}: ${name} is ${value} (learning rate ` +
      `${record.lr}, pairs ${ids}${numbers.pairs.length > 3 ? ", …" : ""}). ` +
      whatHelps(numbers.checkpoint) + (lossScale === undefined ? "" : FLOAT16_ENDS),
  );
}

const FLOAT16_ENDS = ` No loss scale of ${LEAST_SCALE} or more mends it: float16 ends at 65504, ` +
  "beyond which precision: bfloat16 and float32 go.";

/**
 * Stops a run whose update is not finite, before anything of it is kept.
 *
 * @throws ExpectedError that names the first weight or moment that is not finite
 */
export function requireFiniteState(
  { weights, firstMoments, secondMoments }: TrainingState,
  { record: { step, lr }, checkpoint }: {
    readonly record: Pick<StepRecord, "step" | "lr">;
    readonly checkpoint: number | null;
  },
): void {
  const kinds = {
    "": weights,
    "first moment of ": firstMoments,
    "second moment of ": secondMoments,
  };
  for (const [kind, tensors] of Object.entries(kinds)) {
    for (const [name, { data }] of tensors) {
      const value = notFiniteIn(data);
      if (value === undefined) continue;
      throw new ExpectedError(
        `Training stopped after step ${step}: its update (learning rate ${lr}) made the ` +
          `${kind}weight ${name} ${value}. ${whatHelps(checkpoint)}`,
      );
    }
  }
}

function whatHelps(checkpoint: number | null): string {
  const kept = checkpoint === null
    ? "No checkpoint was written before it."
    : `The checkpoint of step ${checkpoint} is kept.`;
  return `${kept} A lower learning rate or more warm-up usually helps.`;
}

/** What is looked into only to find where a step went wrong. */
interface Tensors {
  readonly weights: Weights;
  readonly norms: ReadonlyMap<string, number>;
}

function firstNotFinite(
  record: StepRecord,
  numbers: StepNumbers,
  tensors: Tensors,
): readonly [string, number] {
  for (const one of inOrder(record, numbers, tensors)) if (!Number.isFinite(one[1])) return one;
  return ["gradNorm", record.gradNorm ?? Infinity];
}

/** What goes into the step, then what comes out of it: the first one is where it began. */
function* inOrder(
  { dpoLoss, sftLoss }: StepRecord,
  { pairs, reference, outputs }: StepNumbers,
  { weights, norms }: Tensors,
): Generator<readonly [name: string, value: number]> {
  for (const [name, { data }] of weights) yield [name, notFiniteIn(data) ?? 0];
  for (const { id, chosenLogp, rejectedLogp } of reference ?? []) {
    yield [`the reference's chosenLogp of pair ${id}`, chosenLogp];
    yield [`the reference's rejectedLogp of pair ${id}`, rejectedLogp ?? 0];
  }
  for (const [i, { id }] of pairs.entries()) {
    yield [`chosenLogp of pair ${id}`, outputs.policyChosen[i]];
    if (outputs.policyRejected) yield [`rejectedLogp of pair ${id}`, outputs.policyRejected[i]];
  }
  yield ["dpoLoss", dpoLoss];
  yield ["sftLoss", sftLoss];
  for (const [name, norm] of [...norms].reverse()) yield [`the gradient of ${name}`, norm];
}

/** The first float32 or bfloat16 that is not finite. A plain loop: `find` takes ten times as long. */
function notFiniteIn(data: Float32Array | Uint16Array): number | undefined {
  if (data instanceof Uint16Array) {
    const half = data.find((bits) => (bits & 0x7f80) === 0x7f80);
    if (half === undefined) return undefined;
    return widened({ dtype: "bfloat16", dims: [1], data: Uint16Array.of(half) }).data[0];
  }
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return data[i];
  return undefined;
}
