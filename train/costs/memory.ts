import type { AdapterConfig } from "../models/adapter_config.ts";
import { type ModelShape, parametersOf } from "../models/parameters.ts";
import { adapterWeights, countWeights, type Reading } from "./arithmetic.ts";

/** A part of the peak memory. */
export interface MemoryPart {
  readonly what: string;
  readonly bytes: number;
}

const FLOAT = 4;

/** Deno with onnxruntime and a data store, before any model: bytes. */
const PROCESS = 250e6;

/**
 * What opening a decoder takes for each byte of its matrices: one laid out, and more that ONNX Runtime
 * does not say what it holds (943 MB for 538 MB of matrices, 135M parameters).
 */
const LAID_OUT = 1.75;

/** Float arrays of the size of the logits that a run holds at once: logits, and what becomes of them. */
const LOGIT_ARRAYS = { forward: 3, training: 3 } as const;

/** Numbers that one layer makes of a token and keeps until its gradient. */
export function keptPerToken(shape: ModelShape): number {
  const { hiddenSize, intermediateSize, heads, keyValueHeads, headDim } = shape;
  const queries = heads * headDim;
  const keys = keyValueHeads * headDim;
  // The stream before and after attention, its two norms; queries, keys and values as projected,
  // rotated, laid out, mixed and back; the MLP's gate, its activation, up, and their product.
  return 4 * hiddenSize + 5 * queries + 6 * keys + 4 * intermediateSize;
}

/** How a model is trained, as far as it decides how much memory that takes. */
export interface TrainingMemory {
  /** The largest run of the gradient graph. */
  readonly run: Reading;
  /** Runs at the same time. */
  readonly lanes: number;
  readonly adapter?: Pick<AdapterConfig, "rank" | "targets">;
  readonly recomputes: boolean;
}

/**
 * Peak memory of training in float32: the weights; of those that are trained, the gradient and
 * AdamW's two moments; what one run keeps from forward to backward.
 */
export function trainingMemory(
  shape: ModelShape,
  { run, lanes, adapter, recomputes }: TrainingMemory,
): MemoryPart[] {
  const { all } = countWeights(shape);
  const added = adapter ? adapterWeights(adapter, shape) : 0;
  const trained = adapter ? added : all;
  const { layers, heads, hiddenSize } = shape;
  const layer = keptPerToken(shape) * run.tokens + heads * run.cells;
  const kept = recomputes ? layers * hiddenSize * run.tokens + 2 * layer : (layers + 1) * layer;
  return [
    { what: "weights", bytes: FLOAT * (all + added) },
    { what: "gradients", bytes: lanes * FLOAT * trained },
    { what: "moments", bytes: 2 * FLOAT * trained },
    { what: "activations", bytes: lanes * FLOAT * kept },
    { what: "logits", bytes: lanes * logitBytes(shape, run, "training") },
    { what: "process", bytes: PROCESS },
  ];
}

/**
 * Peak memory of scoring in float32: weights; of each run, one layer at a time, and logits.
 *
 * @param lanes runs at the same time
 */
export function scoringMemory(shape: ModelShape, run: Reading, lanes: number): MemoryPart[] {
  const layer = keptPerToken(shape) * run.tokens + 2 * shape.heads * run.cells;
  return [
    { what: "weights", bytes: FLOAT * countWeights(shape).all },
    { what: "activations", bytes: lanes * FLOAT * layer },
    { what: "logits", bytes: lanes * logitBytes(shape, run, "forward") },
    { what: "process", bytes: PROCESS },
  ];
}

/**
 * Peak memory of decoding in float32: weights, those that a product meets once more as it reads them,
 * the cache of keys and values, the next logits.
 */
export function decodingMemory(
  shape: ModelShape,
  { models, rows, length }: {
    /** Models that are open at once, of which one writes. */
    readonly models: number;
    /** Replies that are written at once. */
    readonly rows: number;
    /** Positions that each has room for. */
    readonly length: number;
  },
): MemoryPart[] {
  const { all, layers, head } = countWeights(shape);
  const cache = 2 * shape.layers * shape.keyValueHeads * shape.headDim * rows * length;
  return [
    { what: "weights", bytes: FLOAT * models * all },
    { what: "weights laid out", bytes: LAID_OUT * FLOAT * (layers + head) },
    { what: "cache", bytes: FLOAT * cache },
    { what: "logits", bytes: 2 * FLOAT * rows * shape.vocabSize },
    { what: "process", bytes: PROCESS },
  ];
}

/** Peak memory of copying a model: nothing is held of it, unless its weights are made float32: one. */
export function copyingMemory(
  shape: ModelShape,
  { isDequantised }: { readonly isDequantised: boolean },
): MemoryPart[] {
  const sizes = parametersOf(shape).map(({ dims }) => dims.reduce((count, dim) => count * dim, 1));
  const weight = { what: "largest weight", bytes: FLOAT * Math.max(...sizes) };
  return [...(isDequantised ? [weight] : []), { what: "process", bytes: PROCESS }];
}

function logitBytes(
  { vocabSize }: ModelShape,
  { replyTokens }: Reading,
  pass: keyof typeof LOGIT_ARRAYS,
): number {
  return FLOAT * LOGIT_ARRAYS[pass] * vocabSize * replyTokens;
}
