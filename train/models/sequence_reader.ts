import type { TokenIds } from "../../data/pair.ts";
import { float32, int64, type Tensor } from "../../core/tensor.ts";
import type { Graph } from "../graph/graph.ts";
import { openGraph } from "../graph/open_graph.ts";
import {
  openRuntime,
  type PlacedTensor,
  type RuntimeOptions,
  type Session,
} from "../runtime/open_runtime.ts";
import { type ModelConfig, requireWithinWindow } from "./config.ts";
import type { Model } from "./model.ts";
import { RotaryAngles } from "./rotary_angles.ts";
import { headGraph, hiddenGraph } from "./sequence_graphs.ts";

/** Floats of logits that are held at once (64 MiB). */
const LOGIT_FLOATS = 2 ** 24;

/** How a reader computes. */
export interface ReaderOptions extends RuntimeOptions {
  /** Tokens whose logits are held at once; 64 MiB of them unless given. */
  readonly mostRows?: number;
}

/** A language model that says of every token of a sequence what follows it. V tokens of vocabulary. */
export interface SequenceReader {
  /**
   * Reads a sequence at one go.
   *
   * @param show told, from the first token on, of logits (rows, V), row-major, of the tokens from
   * `first` on; they are valid during the call alone
   * @throws RangeError for an empty sequence
   * @throws InputError for one longer than the model's sliding window
   */
  read(
    tokens: TokenIds,
    show: (logits: Float32Array, first: number) => void,
  ): Promise<void>;

  /** Frees the sessions; the reader is of no use afterwards. */
  release(): Promise<void>;
}

/**
 * A reader over a model. Logits are computed some rows at a time, after all layers, so that a long
 * sequence takes no more memory for them than a short one.
 *
 * @throws RangeError when the number of threads is not a positive integer
 */
export async function openSequenceReader(
  model: Model,
  { mostRows, ...options }: ReaderOptions,
): Promise<SequenceReader> {
  const runtime = await openRuntime(options);
  await using opened = new AsyncDisposableStack();
  const open = async (graph: Graph) =>
    opened.adopt(await openGraph(runtime, graph), (session) => session.release());
  const [layers, head] = [
    await open(hiddenGraph(model.config)),
    await open(headGraph(model.config)),
  ];
  const weights: Record<string, PlacedTensor> = {};
  for (const [name, tensor] of model.weights) weights[name] = opened.use(runtime.place(tensor));
  const { vocabSize } = model.config;
  return new LayersThenHead(model.config, {
    layers,
    head,
    weights,
    mostRows: mostRows ?? Math.max(1, Math.floor(LOGIT_FLOATS / vocabSize)),
    stack: opened.move(),
  });
}

interface Opened {
  readonly layers: Session;
  readonly head: Session;
  readonly weights: Readonly<Record<string, PlacedTensor>>;
  /** Tokens whose logits are held at once. */
  readonly mostRows: number;
  /** What `release` gives back. */
  readonly stack: AsyncDisposableStack;
}

class LayersThenHead implements SequenceReader {
  readonly #config: ModelConfig;
  readonly #opened: Opened;
  readonly #angles: RotaryAngles;

  constructor(config: ModelConfig, opened: Opened) {
    this.#config = config;
    this.#opened = opened;
    this.#angles = new RotaryAngles(config);
  }

  async read(
    tokens: TokenIds,
    show: (logits: Float32Array, first: number) => void,
  ): Promise<void> {
    const count = tokens.length;
    if (count === 0) throw new RangeError("Expected a sequence to have tokens but found none.");
    requireWithinWindow(this.#config, count);
    const { layers, head, mostRows } = this.#opened;
    const { hiddenSize } = this.#config;
    const ids = int64([1, count], tokens);
    const { hidden } = await this.#run(layers, { ids, ...this.#angles.table(0, count) });
    const states = hidden.data as Float32Array; // (T, D)
    for (let first = 0; first < count; first += mostRows) {
      const rows = Math.min(mostRows, count - first);
      const part = states.subarray(first * hiddenSize, (first + rows) * hiddenSize);
      const { logits } = await this.#run(head, { hidden: float32([rows, hiddenSize], part) });
      show(logits.data as Float32Array, first);
    }
  }

  async release(): Promise<void> {
    await this.#opened.stack.disposeAsync();
  }

  /** Runs over what is fed and the weights that the session reads. */
  async #run(
    session: Session,
    fed: Readonly<Record<string, Tensor>>,
  ): Promise<Record<string, Tensor>> {
    const feeds: Record<string, Tensor | PlacedTensor> = { ...fed };
    for (const name of session.inputs) feeds[name] ??= this.#opened.weights[name];
    return await session.run(feeds);
  }
}
