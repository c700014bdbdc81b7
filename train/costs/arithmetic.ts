import type { AdapterConfig } from "../models/adapter_config.ts";
import { adapterParametersOf } from "../models/adapter.ts";
import {
  EMBEDDING,
  HEAD,
  LAYER,
  layerPrefix,
  type ModelShape,
  parametersOf,
} from "../models/parameters.ts";

/** What is computed for something, in tokens. */
export interface Reading {
  /** Tokens that pass through the layers; a prompt counts once for both its replies. */
  readonly tokens: number;
  /** Tokens that are predicted: logits exist for these alone. */
  readonly replyTokens: number;
  /** Queries times keys of all sequences, those in the future included: they are computed too. */
  readonly cells: number;
}

/** Floating-point operations by what multiplies. */
export interface Operations {
  /** Products with the layers' matrices. */
  readonly layers: number;
  /** Products with the output projection. */
  readonly head: number;
  /** Attention's two products. */
  readonly attention: number;
}

/** Weights by what they do in a step. */
export interface WeightCounts {
  /** Every weight. */
  readonly all: number;
  /** Of the layers' matrices. */
  readonly layers: number;
  /** Of the last layer's matrices that only see tokens which predict something. */
  readonly lastFinish: number;
  /** Of the output projection, whether it is the embedding or not. */
  readonly head: number;
}

/** How the weights of a shape divide. */
export function countWeights(shape: ModelShape): WeightCounts {
  const parameters = parametersOf(shape).map(({ name, dims }) => ({
    name,
    isMatrix: dims.length === 2,
    size: dims.reduce((product, dim) => product * dim, 1),
  }));
  const sum = (some: typeof parameters) => some.reduce((total, { size }) => total + size, 0);
  const matrices = parameters.filter(({ name, isMatrix }) =>
    isMatrix && name !== EMBEDDING && name !== HEAD
  );
  const finish = [LAYER.output, LAYER.gate, LAYER.up, LAYER.down]
    .map((name) => layerPrefix(shape.layers - 1) + name);
  return {
    all: sum(parameters),
    layers: sum(matrices),
    lastFinish: sum(matrices.filter(({ name }) => finish.includes(name))),
    head: shape.vocabSize * shape.hiddenSize,
  };
}

/**
 * One pass forward: two operations for each weight that a token meets, and 4·H·C for each query and
 * key (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
 */
export function forwardOperations(shape: ModelShape, reading: Reading): Operations {
  const { layers, lastFinish, head } = countWeights(shape);
  const { tokens, replyTokens, cells } = reading;
  return {
    layers: 2 * (layers * tokens - lastFinish * (tokens - replyTokens)),
    head: 2 * head * replyTokens,
    attention: 4 * shape.layers * shape.heads * shape.headDim * cells,
  };
}

/**
 * Forward and backward. A trained matrix takes two operations forward, two for the gradient of what it
 * read and two for its own; a frozen one has no gradient of its own. An adapter's two matrices come on
 * top.
 *
 * @param adapter when given, its weights alone are trained
 * @param recomputes whether layers are computed a second time (gradient checkpointing)
 * @param repeatsLogits whether logits are, since they are there a chunk at a time
 * @param repeatsScores whether attention's scores are, since they are there a block at a time
 */
export function trainingOperations(
  shape: ModelShape,
  reading: Reading,
  { adapter, recomputes, repeatsLogits = false, repeatsScores = false }: {
    readonly adapter?: Pick<AdapterConfig, "rank" | "targets">;
    readonly recomputes: boolean;
    readonly repeatsLogits?: boolean;
    readonly repeatsScores?: boolean;
  },
): Operations {
  const forward = forwardOperations(shape, reading);
  const again = recomputes ? 1 : 0;
  const products = adapter === undefined ? 3 : 2;
  const added = adapter === undefined ? 0 : adapterWeights(adapter, shape);
  return {
    layers: (products + again) * forward.layers + (6 + 2 * again) * added * reading.tokens,
    head: (products + Number(repeatsLogits)) * forward.head,
    // Scores are one of the two products.
    attention: (3 + again + Number(repeatsScores) / 2) * forward.attention,
  };
}

/** How many weights an adapter has. */
export function adapterWeights(
  { rank, targets }: Pick<AdapterConfig, "rank" | "targets">,
  shape: ModelShape,
): number {
  return adapterParametersOf({ rank, targets }, shape)
    .reduce((sum, { dims: [rows, width] }) => sum + rows * width, 0);
}
