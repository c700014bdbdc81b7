import type { AdapterConfig } from "../models/adapter_config.ts";
import type { ModelShape } from "../models/parameters.ts";
import {
  adapterWeights,
  countWeights,
  forwardOperations,
  type Operations,
  type Reading,
  trainingOperations,
} from "./arithmetic.ts";
import { keptPerToken } from "./memory.ts";

/**
 * What other work costs, in the operations that products of large matrices would do meanwhile:
 * measured on two cores with a model of 135M weights. Ratios, so that one speed describes a machine.
 */
const EQUIVALENT = {
  /**
   * Attention's products are small, and its softmax is none: its operations take longer. A tenth fewer
   * are computed than a reading counts, since packs divide replies in two grids.
   */
  attention: 1.5,
  /** Forward, for each number that a layer makes of a token: norms, activations, moving rows. */
  number: 80,
  /** AdamW on one weight: four arrays read, four written, a norm. */
  update: 500,
  /** Products of few rows, as in decoding some replies at once. */
  step: 4,
  /** Adding a run's gradient of one weight to what was gathered. */
  gather: 100,
} as const;

/** How a model is trained, as far as it decides what that costs. */
export interface TrainingWork {
  /** Pairs that are read, over all steps. */
  readonly pairs: number;
  readonly steps: number;
  /** Runs of the gradient graph, over all steps. */
  readonly runs: number;
  /** Passes forward and backward over each pair: more than one where gradients are measured apart. */
  readonly passes: number;
  readonly adapter?: Pick<AdapterConfig, "rank" | "targets">;
  readonly recomputes: boolean;
  /** Whether logits are there a chunk at a time, and computed a second time; not unless given. */
  readonly repeatsLogits?: boolean;
  /** Whether attention is in blocks, whose scores are computed a second time; not unless given. */
  readonly repeatsScores?: boolean;
}

/**
 * All of a training run, in operations.
 *
 * @param reading what is trained on of a mean pair
 */
export function trainingWork(shape: ModelShape, reading: Reading, work: TrainingWork): number {
  const { pairs, steps, runs, passes, adapter, recomputes } = work;
  const trained = adapter ? adapterWeights(adapter, shape) : countWeights(shape).all;
  const pair = weigh(trainingOperations(shape, reading, work)) +
    (recomputes ? 4 : 3) * numbersWork(shape, reading);
  return passes * pairs * pair +
    trained * (steps * EQUIVALENT.update + runs * passes * EQUIVALENT.gather);
}

/**
 * Writing a reply to a prompt, in operations. A step multiplies few rows with each weight, and waits
 * for the weights rather than for their products.
 */
export function decodingWork(
  shape: ModelShape,
  { promptTokens, newTokens }: { readonly promptTokens: number; readonly newTokens: number },
): number {
  const { layers, head } = countWeights(shape);
  const step = 2 * (layers + head) * EQUIVALENT.step;
  return 2 * layers * promptTokens + step * newTokens;
}

/** Scoring a mean pair, in operations. */
export function scoringWork(shape: ModelShape, reading: Reading): number {
  return weigh(forwardOperations(shape, reading)) + numbersWork(shape, reading);
}

function weigh({ layers, head, attention }: Operations): number {
  return layers + head + EQUIVALENT.attention * attention;
}

function numbersWork(shape: ModelShape, { tokens }: Reading): number {
  return EQUIVALENT.number * keptPerToken(shape) * shape.layers * tokens;
}
