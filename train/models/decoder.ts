import type { TokenIds } from "../../data/pair.ts";
import { int64, type Tensor } from "../../core/tensor.ts";
import { openGraph } from "../graph/open_graph.ts";
import {
  openRuntime,
  type PlacedTensor,
  type PreparedRun,
  type RuntimeOptions,
  type Session,
} from "../runtime/open_runtime.ts";
import { type ModelConfig, requireWithinWindow } from "./config.ts";
import { decoderGraph, nextCacheName } from "./decoder_graph.ts";
import { type CacheRoom, KeyValueCache } from "./key_value_cache.ts";
import type { Model } from "./model.ts";
import { padHeads } from "./padded_heads.ts";
import { type RotaryTable } from "./rotary_angles.ts";
import type { TokenDecoder } from "./token_decoder.ts";

/** Positions that a row has room for beyond its prompt, where nothing was foretold. */
const FIRST_ROOM = 16;

/** By how much room that is too small grows, since what is there must be moved. */
const GROWTH = 1.25;

/** A decoder that knows what computes. */
export interface RuntimeDecoder extends TokenDecoder {
  /** Which runtime, for people: `Runtime.description`. */
  readonly runtime: string;
}

/** How a decoder computes: on the processor. */
export type DecoderOptions = Pick<RuntimeOptions, "threads" | "profile">;

/**
 * A decoder over a model, with keys and values cached. The runtime holds the model's matrices a second
 * time, laid out for products: with them as they are, a product of few rows would lay them out anew at
 * each token, which costs more than computing with it, and by another rule for each number of rows.
 *
 * @throws RangeError when the number of threads is not a positive integer
 */
export async function openDecoder(
  model: Model,
  { threads, profile }: DecoderOptions,
): Promise<RuntimeDecoder> {
  const runtime = await openRuntime({ threads, ...(profile === undefined ? {} : { profile }) });
  await using opened = new AsyncDisposableStack();
  const { config, weights, scale, angles } = padHeads(model);
  const isMatrix = ({ dims }: Tensor) => dims.length === 2;
  const matrices = new Map([...weights].filter(([, tensor]) => isMatrix(tensor)));
  const session = opened.adopt(
    await openGraph(runtime, decoderGraph(config, scale), matrices),
    (session) => session.release(),
  );
  const vectors: Record<string, PlacedTensor> = {};
  for (const [name, tensor] of weights) {
    if (!isMatrix(tensor)) vectors[name] = opened.use(runtime.place(tensor));
  }
  const parts = { config, session, vectors, angles, stack: opened.move() };
  return new CachedDecoder(parts, runtime.description);
}

interface Opened {
  readonly config: ModelConfig;
  readonly session: Session;
  /** The weights that are fed. */
  readonly vectors: Readonly<Record<string, PlacedTensor>>;
  /** Of so many positions from 0 on. */
  readonly angles: (positions: number) => RotaryTable;
  /** What `release` gives back. */
  readonly stack: AsyncDisposableStack;
}

/** A step that is bound to its rows' tensors, to be run again while rows and tensors stay. */
interface BoundStep {
  readonly run: PreparedRun;
  readonly ids: BigInt64Array;
  readonly last: Int32Array;
  readonly longest: Int32Array;
  readonly logits: Float32Array;
}

class CachedDecoder implements RuntimeDecoder {
  readonly vocabSize: number;
  readonly cacheFloats: number;
  readonly #opened: Opened;
  readonly #cache: KeyValueCache;
  /** Tokens of each row. */
  #lengths: number[] = [];
  #step: BoundStep | null = null;

  constructor(opened: Opened, readonly runtime: string) {
    this.#opened = opened;
    this.#cache = new KeyValueCache(opened.config);
    this.vocabSize = opened.config.vocabSize;
    this.cacheFloats = this.#cache.floats;
  }

  reserve(room: CacheRoom): void {
    if (this.#cache.reserve(room, this.#lengths.length)) this.#unbind();
  }

  async add(prompts: readonly TokenIds[]): Promise<Float32Array> {
    const length = requireEqualLengths(prompts);
    requireWithinWindow(this.#opened.config, length);
    const first = this.#lengths.length;
    this.#require({ rows: first + prompts.length, positions: length });
    this.#unbind();
    const different = [...new Set(prompts)];
    const logits = await this.#read(different, first);
    const places = prompts.map((prompt) => different.indexOf(prompt));
    // From the last on, so that none is overwritten before it was copied.
    for (const [i, place] of [...places.entries()].reverse()) {
      this.#cache.copyRow(first + place, first + i, length);
    }
    this.#lengths.push(...prompts.map(() => length));
    return different.length === prompts.length ? logits : rowsOf(logits, places, this.vocabSize);
  }

  async step(tokens: Int32Array): Promise<Float32Array> {
    const rows = this.#lengths.length;
    if (tokens.length !== rows || rows === 0) {
      throw new RangeError(
        `Expected a token for each of ${rows} rows but found ${tokens.length}.`,
      );
    }
    const longest = 1 + this.#lengths.reduce((most, length) => Math.max(most, length));
    requireWithinWindow(this.#opened.config, longest);
    this.#require({ rows, positions: longest });
    const step = this.#step ??= this.#bindStep(rows);
    tokens.forEach((token, row) => step.ids[row] = BigInt(token));
    step.last.set(this.#lengths);
    step.longest[0] = longest;
    await step.run.run();
    this.#lengths = this.#lengths.map((length) => length + 1);
    return step.logits;
  }

  drop(row: number): void {
    const rows = this.#lengths.length;
    if (!(Number.isInteger(row) && row >= 0 && row < rows)) {
      throw new RangeError(`Expected a row in 0 … ${rows - 1} but found ${row}.`);
    }
    this.#unbind();
    const length = this.#lengths.pop()!;
    if (row === rows - 1) return;
    this.#cache.copyRow(rows - 1, row, length);
    this.#lengths[row] = length;
  }

  clear(): void {
    this.#unbind();
    this.#lengths = [];
  }

  async release(): Promise<void> {
    this.clear();
    this.#cache.release();
    await this.#opened.stack.disposeAsync();
  }

  /** Reads prompts of one length into the rows from `first` on; their last tokens' logits. */
  async #read(prompts: readonly TokenIds[], first: number): Promise<Float32Array> {
    const [rows, length] = [prompts.length, prompts[0].length];
    const ids = new Int32Array(rows * length);
    prompts.forEach((prompt, row) => ids.set(prompt, row * length));
    const { feeds, into, inPlace } = this.#tensors(first, rows);
    const { logits } = await this.#opened.session.run({
      ...feeds,
      ids: int64([rows, length], ids),
      asked: int64([rows], prompts.map((_, row) => row * length + length - 1)),
      last: int32([rows], new Int32Array(rows).fill(length - 1)),
      longest: int32([], Int32Array.of(length)),
    }, { into, inPlace });
    return logits.data as Float32Array;
  }

  #bindStep(rows: number): BoundStep {
    const ids = int64([rows, 1], new Int32Array(rows));
    const last = new Int32Array(rows);
    const longest = new Int32Array(1);
    const logits = new Float32Array(rows * this.vocabSize);
    const { feeds, into, inPlace } = this.#tensors(0, rows);
    const run = this.#opened.session.prepare({
      ...feeds,
      ids,
      asked: int64([rows], Int32Array.from({ length: rows }, (_, row) => row)),
      last: int32([rows], last),
      longest: int32([], longest),
    }, {
      into: { ...into, logits: { dtype: "float32", dims: [rows, this.vocabSize], data: logits } },
      inPlace,
    });
    return { run, ids: ids.data, last, longest, logits };
  }

  /** What every run over these rows is fed, and where it writes their caches: to where they are. */
  #tensors(first: number, rows: number) {
    const { vectors, angles } = this.#opened;
    const caches = this.#cache.view(first, rows);
    const into = Object.fromEntries(
      Object.entries(caches).map(([name, tensor]) => [nextCacheName(name), tensor]),
    );
    const { cos, sin } = angles(this.#cache.positions);
    return { feeds: { ...vectors, ...caches, cos, sin }, into, inPlace: Object.keys(into) };
  }

  /** Makes more room than that where there is less. */
  #require({ rows, positions }: CacheRoom): void {
    const room = this.#cache.positions;
    const enough = positions <= room
      ? room
      : room === 0
      ? positions + FIRST_ROOM
      : Math.ceil(GROWTH * positions);
    this.reserve({ rows, positions: enough });
  }

  #unbind(): void {
    this.#step?.run.release();
    this.#step = null;
  }
}

function int32(dims: readonly number[], data: Int32Array): Tensor<"int32"> {
  return { dtype: "int32", dims, data };
}

/** Rows of logits (…, V) in the order asked for. */
function rowsOf(logits: Float32Array, rows: readonly number[], vocabSize: number): Float32Array {
  const found = new Float32Array(rows.length * vocabSize);
  rows.forEach((row, i) =>
    found.set(logits.subarray(row * vocabSize, (row + 1) * vocabSize), i * vocabSize)
  );
  return found;
}

function requireEqualLengths(prompts: readonly TokenIds[]): number {
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
