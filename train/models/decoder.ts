import { float32, int64, type Tensor } from "../../core/tensor.ts";
import type { Graph } from "../graph/graph.ts";
import { openGraph } from "../graph/open_graph.ts";
import {
  openRuntime,
  type PlacedTensor,
  type RuntimeOptions,
  type Session,
} from "../runtime/open_runtime.ts";
import { requireWithinWindow } from "./config.ts";
import { cacheNames, nextCacheName, prefillGraph, stepGraph } from "./decoder_graphs.ts";
import type { Model } from "./model.ts";
import { RotaryAngles } from "./rotary_angles.ts";
import type { TokenDecoder } from "./token_decoder.ts";

/** Positions that a cache has room for beyond the prompt before it is moved to a larger one. */
const FIRST_ROOM = 16;

/** By how much a cache that is too small grows: each step copies it anyway, so that a little will do. */
const GROWTH = 1.25;

/** Rows up to which a step computes as `fewRows`. */
const FEW_ROWS = 32;

/** Width from which products with the weights are what a step waits for. */
const WIDE = 256;

/** A decoder that knows what computes. */
export interface RuntimeDecoder extends TokenDecoder {
  /** Which runtime, for people: `Runtime.description`. */
  readonly runtime: string;
}

/** How a decoder computes. */
export interface DecoderOptions extends RuntimeOptions {
  /** Whether steps of few rows have a graph of their own; as the model's width says unless given. */
  readonly fewRows?: boolean;
}

/**
 * A decoder over a model, with keys and values cached.
 *
 * @throws RangeError when the number of threads is not a positive integer
 */
export async function openDecoder(
  model: Model,
  options: DecoderOptions,
): Promise<RuntimeDecoder> {
  const runtime = await openRuntime(options);
  // The one is given back, should the other not open.
  await using opened = new AsyncDisposableStack();
  const open = async (graph: Graph) =>
    opened.adopt(await openGraph(runtime, graph), (session) => session.release());
  const prefill = await open(prefillGraph(model.config));
  const step = await open(stepGraph(model.config));
  const { fewRows: apart = model.config.hiddenSize >= WIDE } = options;
  const fewRows = apart ? await open(stepGraph(model.config, { rowsAreFew: true })) : null;
  const weights: Record<string, PlacedTensor> = {};
  for (const [name, tensor] of model.weights) weights[name] = opened.use(runtime.place(tensor));
  const parts = { prefill, step, fewRows, weights, stack: opened.move() };
  return new CachedDecoder(model, parts, runtime.description);
}

interface Opened {
  readonly prefill: Session;
  readonly step: Session;
  /** A step of 2 … `FEW_ROWS` rows; null where the model is too narrow to gain by it. */
  readonly fewRows: Session | null;
  readonly weights: Readonly<Record<string, PlacedTensor>>;
  /** What `release` gives back. */
  readonly stack: AsyncDisposableStack;
}

class CachedDecoder implements RuntimeDecoder {
  readonly vocabSize: number;
  readonly cacheFloats: number;
  readonly #model: Model;
  readonly #opened: Opened;
  readonly #angles: RotaryAngles;
  readonly #names: readonly string[];
  /** Two buffers a cache: a step reads one and writes the other. */
  #current = new Map<string, Float32Array>();
  #spare = new Map<string, Float32Array>();
  #rows = 0;
  #positions = 0;

  constructor(model: Model, opened: Opened, readonly runtime: string) {
    this.vocabSize = model.config.vocabSize;
    this.#model = model;
    this.#opened = opened;
    this.#angles = new RotaryAngles(model.config);
    this.#names = cacheNames(model.config);
    this.cacheFloats = this.#names.length * this.#rowSize();
  }

  async prefill(prompts: readonly Int32Array[]): Promise<Float32Array> {
    const length = requireEqualLengths(prompts);
    requireWithinWindow(this.#model.config, length);
    const rows = prompts.length;
    const ids = new Int32Array(rows * length);
    prompts.forEach((prompt, row) => ids.set(prompt, row * length));
    const last = prompts.map((_, row) => row * length + length - 1);
    this.#reserve(rows, length + FIRST_ROOM);
    [this.#rows, this.#positions] = [rows, 0];
    return await this.#run(this.#opened.prefill, length, {
      ids: int64([rows, length], ids),
      last: int64([rows], last),
    });
  }

  async step(tokens: Int32Array): Promise<Float32Array> {
    if (tokens.length !== this.#rows || this.#rows === 0) {
      throw new RangeError(
        `Expected a token for each of ${this.#rows} rows but found ${tokens.length}.`,
      );
    }
    requireWithinWindow(this.#model.config, this.#positions + 1);
    this.#reserve(this.#rows, this.#positions + 1);
    const past: Record<string, Tensor> = { ids: int64([this.#rows, 1], tokens) };
    for (const name of this.#names) past[name] = this.#view(this.#current, name, this.#positions);
    const { step, fewRows } = this.#opened;
    const few = this.#rows > 1 && this.#rows <= FEW_ROWS ? fewRows : null;
    return await this.#run(few ?? step, 1, past);
  }

  keep(rows: readonly number[]): void {
    const foreign = rows.find((row) => !(Number.isInteger(row) && row >= 0 && row < this.#rows));
    if (foreign !== undefined) {
      throw new RangeError(`Expected rows in 0 … ${this.#rows - 1} but found ${foreign}.`);
    }
    this.#reserve(rows.length, this.#positions);
    const size = this.#rowSize() * this.#positions;
    for (const name of this.#names) {
      const from = this.#current.get(name)!;
      const to = this.#spare.get(name)!;
      rows.forEach((row, i) => to.set(from.subarray(row * size, (row + 1) * size), i * size));
    }
    [this.#current, this.#spare] = [this.#spare, this.#current];
    this.#rows = rows.length;
  }

  async release(): Promise<void> {
    this.#current.clear();
    this.#spare.clear();
    this.#rows = 0;
    await this.#opened.stack.disposeAsync();
  }

  /** Runs over `count` new positions, writing the caches that result into the spare buffers. */
  async #run(
    session: Session,
    count: number,
    feeds: Readonly<Record<string, Tensor>>,
  ): Promise<Float32Array> {
    const { cos, sin } = this.#angles.table(this.#positions, count);
    const positions = this.#positions + count;
    const into: Record<string, Tensor> = {};
    for (const name of this.#names) {
      into[nextCacheName(name)] = this.#view(this.#spare, name, positions);
    }
    const { logits } = await session.run({ ...this.#opened.weights, ...feeds, cos, sin }, { into });
    [this.#current, this.#spare] = [this.#spare, this.#current];
    this.#positions = positions;
    return logits.data as Float32Array;
  }

  /** A cache's first positions as a tensor (B, K, U, C). */
  #view(buffers: Map<string, Float32Array>, name: string, positions: number): Tensor {
    const { keyValueHeads, headDim } = this.#model.config;
    const dims = [this.#rows, keyValueHeads, positions, headDim];
    return float32(dims, buffers.get(name)!.subarray(0, this.#rows * this.#rowSize() * positions));
  }

  /** Numbers that one position of one row takes. */
  #rowSize(): number {
    return this.#model.config.keyValueHeads * this.#model.config.headDim;
  }

  /** Makes room, keeping what the current buffers hold; what the spare ones hold is never needed. */
  #reserve(rows: number, positions: number): void {
    const size = rows * this.#rowSize() * positions;
    const room = Math.ceil(GROWTH * size);
    for (const name of this.#names) {
      const current = this.#current.get(name) ?? new Float32Array();
      if (current.length < size) {
        const grown = new Float32Array(room);
        grown.set(current);
        this.#current.set(name, grown);
      }
      if ((this.#spare.get(name)?.length ?? 0) < size) {
        this.#spare.set(name, new Float32Array(room));
      }
    }
  }
}

function requireEqualLengths(prompts: readonly Int32Array[]): number {
  if (prompts.length === 0) throw new RangeError("Expected at least one prompt but found none.");
  const length = prompts[0].length;
  if (length === 0) throw new RangeError("Expected prompts to have tokens but found an empty one.");
  const other = prompts.find((prompt) => prompt.length !== length);
  if (other !== undefined) {
    throw new RangeError(
      `Expected prompts of equal length but found ${length} and ${other.length} tokens.`,
    );
  }
  return length;
}
