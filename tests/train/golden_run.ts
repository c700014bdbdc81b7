import type { LossOptions } from "../../train/losses/losses.ts";
import type { Model } from "../../train/models/model.ts";
import type { TrainOptions } from "../../train/train_options.ts";
import { goldenPairs } from "./golden.ts";

/** Options of the runs whose steps make_goldens.py wrote: twelve steps, constant rate, no decay. */
export function goldenRun(
  model: Model,
  loss: LossOptions,
  changes: Partial<TrainOptions> = {},
): TrainOptions {
  return {
    model,
    pairs: goldenPairs(),
    loss,
    schedule: { name: "constant", peak: 1e-3, steps: 12, warmupSteps: 0, minimum: 0 },
    batchPairs: 4,
    order: "sequential",
    seed: 0,
    maxGradNorm: 1,
    adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    threads: 1,
    ...changes,
  };
}
