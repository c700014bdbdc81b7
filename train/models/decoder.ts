import type { TokenIds } from "../../data/pair.ts";
import { int64 } from "../../core/tensor.ts";
import { isOnHost } from "../placed_state.ts";
import type { Precision } from "../precision.ts";
import {
  openRuntime,
  type PlacedTensor,
  type PreparedRun,
  type Runtime,
  type RuntimeOptions,
} from "../runtime/open_runtime.ts";
import { type ModelConfig, requireWithinWindow } from "./config.ts";
import { nextCacheName } from "./decoder_graph.ts";
import { type DecodingWay, openFusedWay, openPlainWay, type Places } from "./decoding_ways.ts";
import type { CacheRoom, CacheView, RowCache } from "./key_value_cache.ts";
import type { Model } from "./model.ts";
import { requireInRange } from "./storage_dtype.ts";
import type { TokenDecoder } from "./token_decoder.ts";

/** Positions that a row has room for beyond its prompt, where nothing was foretold. */
const FIRST_ROOM = 16;

/** By how much room that is too small grows, since what is there must be moved. */
const GROWTH = 1.25;

/** A decoder that knows what computes. */
export interface RuntimeDecoder extends TokenDecoder {
  /** Which runtime, for people: `Runtime.description`. */
  readonly runtime: string;
  /** The weights where it computes, in its precision, for others to read; none that are laid out anew. */
  readonly placed: ReadonlyMap<string, PlacedTensor>;
}

/** How a decoder computes. */
export interface DecoderOptions extends RuntimeOptions {
  /** What layers compute in, and keys and values are held in; float32 unless given. */
  readonly precision?: Precision;
  /** Scores of attention of plain ops that one run makes at once, unless one row has more; see `openPlainWay`. */
  readonly mostScores?: number;
}

/**
 * A decoder over a model, with keys and values cached where it computes.
 *
 * @throws RangeError when the number of threads is not a positive integer
 * @throws ExpectedError when the device cannot be used
 * @throws InputError with weights that float16 cannot hold, where layers compute in it
 */
export async function openDecoder(model: Model, options: DecoderOptions): Promise<RuntimeDecoder> {
  return await openDecoderOn(await openRuntime(options), model, options);
}

/**
 * The same on a runtime that is open. On the processor in float32 ONNX Runtime's own attention over a cache
 * computes; it has no other kernel that suits us, so that elsewhere attention is made of plain ops.
 */
export async function openDecoderOn(
  runtime: Runtime,
  model: Model,
  { precision = "float32", mostScores }: Pick<DecoderOptions, "precision" | "mostScores"> = {},
): Promise<RuntimeDecoder> {
  if (precision === "float16") requireInRange(model.weights, "float16");
  await using stack = new AsyncDisposableStack();
  const isPlain = !isOnHost(runtime) || precision !== "float32";
  const way = isPlain
    ? await openPlainWay(runtime, model, { precision, mostScores, stack })
    : await openFusedWay(runtime, model, stack);
  const release = stack.move();
  return new CachedDecoder({ ...way, stack: release, config: model.config }, runtime.description);
}

/** A step that is bound to its rows' tensors, to be run again while rows and tensors stay. */
interface BoundStep {
  readonly run: PreparedRun;
  readonly view: CacheView;
  readonly ids: BigInt64Array;
  readonly places: Places;
  readonly logits: Float32Array;
}

interface Opened extends DecodingWay {
  readonly config: ModelConfig;
  /** What `release` gives back. */
  readonly stack: AsyncDisposableStack;
}

class CachedDecoder implements RuntimeDecoder {
  readonly vocabSize: number;
  readonly cacheFloats: number;
  readonly placed: ReadonlyMap<string, PlacedTensor>;
  readonly #opened: Opened;
  readonly #cache: RowCache;
  /** Tokens of each row. */
  #lengths: number[] = [];
  #step: BoundStep | null = null;

  constructor(opened: Opened, readonly runtime: string) {
    this.#opened = opened;
    this.#cache = opened.cache;
    this.placed = opened.weights;
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
    const logits = await this.#readAll(different, first);
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
    step.places.set(this.#lengths);
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

  /** As `#read`, as many at once as there is room for what attention makes of them. */
  async #readAll(prompts: readonly TokenIds[], first: number): Promise<Float32Array> {
    const { config, mostScores } = this.#opened;
    const scores = config.heads * prompts[0].length * this.#cache.positions;
    const most = Math.max(1, Math.floor(mostScores / scores));
    if (prompts.length <= most) return await this.#read(prompts, first);
    const logits = new Float32Array(prompts.length * this.vocabSize);
    for (let at = 0; at < prompts.length; at += most) {
      logits.set(await this.#read(prompts.slice(at, at + most), first + at), at * this.vocabSize);
    }
    return logits;
  }

  /** Reads prompts of one length into the rows from `first` on; their last tokens' logits. */
  async #read(prompts: readonly TokenIds[], first: number): Promise<Float32Array> {
    const [rows, length] = [prompts.length, prompts[0].length];
    const ids = new Int32Array(rows * length);
    prompts.forEach((prompt, row) => ids.set(prompt, row * length));
    using view = this.#cache.view(first, rows);
    const { feeds, into, inPlace, places } = this.#tensors(view, { rows, tokens: length });
    places.set(new Array(rows).fill(0));
    const { logits } = await this.#opened.session.run({
      ...feeds,
      ids: int64([rows, length], ids),
      asked: int64([rows], prompts.map((_, row) => row * length + length - 1)),
    }, { into, inPlace });
    return logits.data as Float32Array;
  }

  #bindStep(rows: number): BoundStep {
    const ids = int64([rows, 1], new Int32Array(rows));
    const logits = new Float32Array(rows * this.vocabSize);
    const view = this.#cache.view(0, rows);
    const { feeds, into, inPlace, places } = this.#tensors(view, { rows, tokens: 1 });
    const run = this.#opened.session.prepare({
      ...feeds,
      ids,
      asked: int64([rows], Int32Array.from({ length: rows }, (_, row) => row)),
    }, {
      into: { ...into, logits: { dtype: "float32", dims: [rows, this.vocabSize], data: logits } },
      inPlace,
    });
    return { run, view, ids: ids.data, places, logits };
  }

  /** What every run over some rows is fed, and where it writes their caches: to where they are. */
  #tensors({ tensors }: CacheView, { rows, tokens }: { rows: number; tokens: number }) {
    const { fed, placesOf } = this.#opened;
    const places = placesOf({ rows, tokens, positions: this.#cache.positions });
    const into = Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [nextCacheName(name), tensor]),
    );
    return {
      feeds: { ...fed, ...tensors, ...places.feeds },
      into,
      inPlace: Object.keys(into),
      places,
    };
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
    this.#step?.view[Symbol.dispose]();
    this.#step = null;
  }
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
