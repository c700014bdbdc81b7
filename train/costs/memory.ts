import type { AdapterConfig } from "../models/adapter_config.ts";
import { type ModelShape, parametersOf } from "../models/parameters.ts";
import type { Target } from "../graph/target.ts";
import { BUCKET_SIZE, ROOMS } from "../parallel/buckets.ts";
import type { MomentPrecision, Precision } from "../precision.ts";
import { adapterWeights, countWeights } from "./arithmetic.ts";
import type { RunMemory } from "./run_memory.ts";

/** A part of the peak memory. */
export interface MemoryPart {
  readonly what: string;
  readonly bytes: number;
  /** Whether it is in a GPU's memory, instead of the host's. */
  readonly isOnGpu?: boolean;
}

const FLOAT = 4;

/** A process with a data store and ONNX Runtime, before any model: bytes. */
const PROCESS = 150e6;

/** The same with a decoder opened, or a model's files: bytes. */
const OPENED_PROCESS = 250e6;

/** What each node of a graph leaves behind as it is built, written and opened: bytes. */
const NODE = 37e3;

/**
 * What a GPU holds beside tensors and arenas: CUDA's own, kernels, products' workspaces. On an H200 four
 * settings, between 14 and 30 GB, took 2.9, 2.6, 1.5 and 1.2 GB more than the provider asked for.
 */
const GPU = 2.2e9;

/** A process with CUDA and its libraries, before any model: bytes of the host. Assumed, not measured. */
const GPU_PROCESS = 2e9;

/**
 * What opening a decoder takes for each byte of its matrices: one laid out, and more that ONNX Runtime
 * does not say what it holds (943 MB for 538 MB of matrices, 135M parameters).
 */
const LAID_OUT = 1.75;

/** Numbers that one layer makes of a token and keeps until its gradient. */
export function keptPerToken(shape: ModelShape): number {
  const { hiddenSize, intermediateSize, heads, keyValueHeads, headDim } = shape;
  const queries = heads * headDim;
  const keys = keyValueHeads * headDim;
  // The stream before and after attention, its two norms; queries, keys and values as projected,
  // rotated, laid out, mixed and back; the MLP's gate, its activation, up, and their product.
  return 4 * hiddenSize + 5 * queries + 6 * keys + 4 * intermediateSize;
}

/** What a model is computed on and in, as far as it decides how much memory that takes. */
interface Computing {
  /** The largest run. */
  readonly run: RunMemory;
  /** Runs at the same time. */
  readonly lanes: number;
  /** `cpu` unless given. */
  readonly device?: Target;
  /** What layers compute in, and weights that are only read are held in; float32 unless given. */
  readonly precision?: Precision;
}

/** How a model is trained. */
export interface TrainingMemory extends Computing {
  readonly adapter?: Pick<AdapterConfig, "rank" | "targets">;
  /** What AdamW's moments are kept in; float32 unless given. */
  readonly moments?: MomentPrecision;
  /** Whether a GPU's are in host memory, and pass through it; not unless given. */
  readonly offloadMoments?: boolean;
  /** What updates hold of a GPU beside what they update, as `updateMemory` foresees it; nothing unless given. */
  readonly updateBytes?: number;
  /** Processes that train together; 1 unless given. */
  readonly processes?: number;
  /** Whether checkpoints are written along the way; not unless given. */
  readonly gathers?: boolean;
  /** What a second session scores between runs, with the same weights, if there is one. */
  readonly scores?: ScoredRuns;
}

/** Runs of scoring, as many at the same time. */
export interface ScoredRuns {
  /** The largest run. */
  readonly run: RunMemory;
  readonly lanes: number;
  /** Whether attention is computed in blocks, where all that is freed goes back to the system. */
  readonly inBlocks?: boolean;
}

/**
 * Peak memory of training, of all its processes: the weights; of those that are trained, the gradient, in
 * float32, and AdamW's two moments; what a run holds of what it computes. Each process has all of that but
 * the moments, of which it has a part. On a GPU that is the GPU's, and the host has the rest beside it.
 */
export function trainingMemory(
  shape: ModelShape,
  { adapter, processes = 1, gathers = false, ...how }: TrainingMemory,
): MemoryPart[] {
  const { all } = countWeights(shape);
  const added = adapter ? adapterWeights(adapter, shape) : 0;
  const trained = adapter ? added : all;
  const { lanes, precision, device = "cpu" } = how;
  const read = adapter ? bytesIn(precision) * all + FLOAT * added : FLOAT * all;
  const freed = lanes * how.run.bytes;
  const scored = how.scores === undefined ? [] : scorersMemory(how.scores, { device, freed });
  const computing = [
    ...[
      { what: "weights", bytes: read },
      { what: "gradients", bytes: lanes * FLOAT * trained },
    ].map(timesOf(processes)),
    ...updateParts(trained, { ...how, processes }),
    ...[...runParts(how), ...scored].map(timesOf(processes)),
  ];
  const underWay = processes === 1
    ? []
    : [{ what: "under way", bytes: processes * bucketsUnderWay(trained) }];
  const gathered = { what: "moments gathered", bytes: 2 * FLOAT * trained };
  const gathersParts = processes > 1 && gathers;
  if (device === "cpu") return [...computing, ...underWay, ...gathersParts ? [gathered] : []];
  const { moments, offloadMoments } = how;
  const isRead = processes === 1 ? !offloadMoments : gathersParts;
  const readBytes = processes === 1 ? 2 * bytesIn(moments) * trained : gathered.bytes;
  return [
    ...computing.map(onGpu),
    ...offloadMoments ? [{ what: "moments", bytes: 2 * bytesIn(moments) * trained }] : [],
    ...hostParts(all).map(timesOf(processes)),
    // A GPU's are copied to be looked at and kept, as a checkpoint or in the end.
    { what: "weights copied", bytes: processes * FLOAT * trained },
    ...isRead ? [{ what: "moments copied", bytes: readBytes }] : [],
    ...underWay,
  ];
}

/** Moments of all processes, where they are computed, and what updates hold on a GPU. */
function updateParts(
  trained: number,
  { device, moments, offloadMoments = false, updateBytes = 0, processes }:
    & Pick<TrainingMemory, "device" | "moments" | "offloadMoments" | "updateBytes">
    & { readonly processes: number },
): MemoryPart[] {
  const kept = { what: "moments", bytes: 2 * bytesIn(moments) * trained };
  if (device !== "cuda") return [kept];
  const updating = { what: "update", bytes: processes * updateBytes };
  return offloadMoments ? [updating] : [kept, updating];
}

function timesOf(processes: number): (part: MemoryPart) => MemoryPart {
  return ({ bytes, ...part }) => ({ ...part, bytes: processes * bytes });
}

function onGpu(part: MemoryPart): MemoryPart {
  return { ...part, isOnGpu: true };
}

/**
 * What sessions of scoring add to what a process holds already, where one runs at a time. On a processor their
 * runs take what others have freed, and more if they need more; on a GPU each session keeps its own.
 *
 * @param freed bytes that runs of other sessions have given back
 */
export function scorersMemory(
  { run, lanes, inBlocks = false }: ScoredRuns,
  { sessions = 1, device = "cpu", freed = 0 }: {
    /** One unless given. */
    readonly sessions?: number;
    readonly device?: Target;
    readonly freed?: number;
  } = {},
): MemoryPart[] {
  const what = "activations of scoring";
  if (device === "cuda") return [{ what, bytes: sessions * lanes * run.bytes }];
  const held = lanes * (inBlocks ? run.bytes : run.keptBytes);
  return [
    { what: "sessions of scoring", bytes: sessions * NODE * run.nodes },
    { what, bytes: Math.max(0, held - freed) },
  ];
}

/** Of a process that computes on a GPU: models as they are read, in float32, before they are copied there. */
function hostParts(weights: number): MemoryPart[] {
  return [{ what: "model as read", bytes: FLOAT * weights }, {
    what: "process",
    bytes: GPU_PROCESS,
  }];
}

/** Buckets of one process that are sent and received at once. */
function bucketsUnderWay(trained: number): number {
  return 2 * FLOAT * Math.min(trained, ROOMS * BUCKET_SIZE);
}

/** How a model scores. */
export type ScoringMemory = Computing & ScoredRuns;

/** Peak memory of scoring: the weights, and what runs hold of what they compute. */
export function scoringMemory(shape: ModelShape, computing: ScoringMemory): MemoryPart[] {
  const { all } = countWeights(shape);
  const { lanes, run, device = "cpu", inBlocks = false } = computing;
  const parts = [
    { what: "weights", bytes: bytesIn(computing.precision) * all },
    ...runParts(computing),
  ];
  if (device === "cuda") return [...parts.map(onGpu), ...hostParts(all)];
  if (inBlocks) return parts;
  return [...parts, { what: "freed and kept", bytes: lanes * (run.keptBytes - run.bytes) }];
}

function runParts({ run, lanes, device = "cpu" }: Computing): MemoryPart[] {
  return [
    { what: "activations", bytes: lanes * run.bytes },
    device === "cpu"
      ? { what: "process", bytes: PROCESS + NODE * run.nodes }
      : { what: "the device's own", bytes: GPU },
  ];
}

function bytesIn(precision: Precision = "float32"): number {
  return precision === "float32" ? FLOAT : FLOAT / 2;
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
    { what: "process", bytes: OPENED_PROCESS },
  ];
}

/**
 * Peak memory of decoding of plain ops, as on a GPU: weights and cache in the model's precision, what a run
 * holds of what it computes.
 */
export function plainDecodingMemory(
  shape: ModelShape,
  { models, rows, length, ...computing }: Computing & {
    /** Models that are open at once. */
    readonly models: number;
    /** Replies that are written at once, and positions that each has room for. */
    readonly rows: number;
    readonly length: number;
  },
): MemoryPart[] {
  const { all } = countWeights(shape);
  const cache = 2 * shape.layers * shape.keyValueHeads * shape.headDim * rows * length;
  const bytes = bytesIn(computing.precision);
  const parts = [
    { what: "weights", bytes: bytes * models * all },
    { what: "cache", bytes: bytes * cache },
    ...runParts(computing),
  ];
  return computing.device === "cuda" ? [...parts.map(onGpu), ...hostParts(models * all)] : parts;
}

/** Peak memory of copying a model: nothing is held of it, unless its weights are made float32: one. */
export function copyingMemory(
  shape: ModelShape,
  { isDequantised }: { readonly isDequantised: boolean },
): MemoryPart[] {
  const sizes = parametersOf(shape).map(({ dims }) => dims.reduce((count, dim) => count * dim, 1));
  const weight = { what: "largest weight", bytes: FLOAT * Math.max(...sizes) };
  return [...(isDequantised ? [weight] : []), { what: "process", bytes: OPENED_PROCESS }];
}
