import type { ModelConfig } from "../../train/models/config.ts";
import { countWeights } from "../../train/costs/arithmetic.ts";

/** Floating-point operations of a training step for each prompt or reply token. */
export interface Arithmetic {
  /**
   * Weights that a token is multiplied with: all of the blocks', and the output projection's where a
   * reply token is predicted.
   */
  readonly weights: number;
  /** Operations of the products with weights: two forward, four backward for each weight. */
  readonly products: number;
  /** Operations of attention's two products, as if none were left out for being in the future. */
  readonly attention: number;
}

/**
 * What a token costs by the textbook (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
 *
 * @param length tokens of a sequence
 * @param replyShare the part (0–1) of the tokens that is predicted
 */
export function arithmeticOf(
  config: ModelConfig,
  { length, replyShare }: { length: number; replyShare: number },
): Arithmetic {
  const { layers, heads, headDim } = config;
  const counts = countWeights(config);
  const weights = counts.layers + counts.head * replyShare;
  return {
    weights,
    products: 6 * weights,
    attention: 12 * layers * heads * headDim * length,
  };
}
