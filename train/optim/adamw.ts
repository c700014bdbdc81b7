import { add, div, mul, sqrt } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { Transformation } from "./transformation.ts";

/** Settings of AdamW that stay the same from step to step. */
export interface AdamwOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** λ; decoupled from the gradient. Norm weights decay like all others, as in PyTorch. */
  readonly weightDecay: number;
}

/** Settings that the step decides: scalars that are fed to every run (see `adamwScalars`). */
export interface AdamwInputs {
  /** −α √(1 − β₂ᵗ) / (1 − β₁ᵗ) · (1 − β₁) / √(1 − β₂) */
  readonly stepSize: Value;
  /** ε √(1 − β₂ᵗ) / √(1 − β₂) */
  readonly epsilon: Value;
  /** −α λ */
  readonly decay: Value;
}

/**
 * AdamW (Loshchilov and Hutter, ICLR 2019, arXiv 1711.05101v3, algorithm 2 with a constant
 * multiplier folded into α), equal to PyTorch's `torch.optim.AdamW` up to rounding. Of step t:
 *
 *     m ← β₁ m + (1 − β₁) g         v ← β₂ v + (1 − β₂) g²
 *     p ← p − α λ p − α · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
 *
 * Kept here are m / (1 − β₁) and v / (1 − β₂), and both bias corrections are moved into the two
 * scalars that are fed: the same numbers with four operations fewer for each element.
 */
export function adamw(options: AdamwOptions, inputs: AdamwInputs): Transformation {
  return {
    init: (dims) => ({ m: dims, v: dims }),
    update(gradients, state, parameters) {
      const m = gradients.map((g, i) => add(mul(state.m[i], options.beta1), g));
      const v = gradients.map((g, i) => add(mul(state.v[i], options.beta2), mul(g, g)));
      const updates = parameters.map(({ value }, i) => {
        const step = div(mul(m[i], inputs.stepSize), add(sqrt(v[i]), inputs.epsilon));
        return options.weightDecay === 0 ? step : add(step, mul(value, inputs.decay));
      });
      return { updates, state: { m, v } };
    },
  };
}

/** The numbers to feed as `AdamwInputs`, for a step (from 1) and its learning rate. */
export function adamwScalars(
  { beta1, beta2, epsilon, weightDecay }: AdamwOptions,
  step: number,
  learningRate: number,
): { stepSize: number; epsilon: number; decay: number } {
  const secondBias = Math.sqrt((1 - beta2 ** step) / (1 - beta2));
  const firstBias = (1 - beta1 ** step) / (1 - beta1);
  return {
    stepSize: -learningRate * secondBias / firstBias,
    epsilon: epsilon * secondBias,
    decay: -learningRate * weightDecay,
  };
}
