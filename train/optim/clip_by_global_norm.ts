import { add, div, min, mul, sqrt, sumOfSquares } from "../graph/ops.ts";
import type { Value } from "../graph/value.ts";
import type { Transformation } from "./transformation.ts";

/** The L2 norm over all elements of all tensors together, a scalar. */
export function globalNorm(gradients: readonly Value[]): Value {
  if (gradients.length === 0) throw new RangeError("Expected at least one gradient.");
  return sqrt(gradients.map(sumOfSquares).reduce((sum, square) => add(sum, square)));
}

/**
 * Scales gradients g so that their global norm is at most `maxNorm`:
 *
 *     g ← g · min(1, maxNorm / (‖g‖ + 10⁻⁶))
 *
 * (Pascanu et al., 2013), with the 10⁻⁶ of PyTorch's `clip_grad_norm_`.
 */
export function clipByGlobalNorm(maxNorm: number): Transformation {
  return {
    init: () => ({}),
    update(gradients) {
      const scale = min(div(maxNorm, add(globalNorm(gradients), 1e-6)), 1); // ()
      return { updates: gradients.map((gradient) => mul(gradient, scale)), state: {} };
    },
  };
}
