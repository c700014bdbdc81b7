import type { TokenizedPair } from "../data/pair.ts";
import { Graph } from "./graph/graph.ts";
import { toOnnx } from "./graph/to_onnx.ts";
import { requireWithinWindow } from "./models/config.ts";
import { Transformer, weightInputs } from "./models/transformer.ts";
import type { Model } from "./models/model.ts";
import { RotaryAngles } from "./models/rotary_angles.ts";
import { batchInputs, replyTokenLogps } from "./models/sequence_logps.ts";
import { openRuntime, type RuntimeOptions, type Session } from "./runtime/open_runtime.ts";
import { batchSequences, type Sequence } from "./sequences.ts";

/** Tokens, padding included, that one run reads at most, unless a single sequence is longer. */
const TOKENS_PER_RUN = 4096;
/** Logits that one run may make: 256 MiB. */
const LOGITS_PER_RUN = 1 << 26;

/** Summed reply log-probs (nats) of one pair, and how many tokens each sum has. */
export interface PairScore {
  readonly id: string;
  readonly chosenLogp: number;
  /** null for demonstrations; so is `rejectedTokens`. */
  readonly rejectedLogp: number | null;
  readonly chosenTokens: number;
  readonly rejectedTokens: number | null;
}

/** How a long scoring is watched and stopped. */
export interface ScoreOptions {
  readonly signal?: AbortSignal;
  /** Told of sequences done, after each run. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * A scorer of replies: log π(reply | prompt), summed over the reply's tokens.
 *
 * @throws RangeError when the number of threads is not a positive integer
 */
export async function openScorer(model: Model, options: RuntimeOptions): Promise<Scorer> {
  const runtime = await openRuntime(options);
  const graph = new Graph({ dtype: "float32" });
  const transformer = new Transformer(model.config, weightInputs(graph, model.config));
  const symbols = { sequences: "S", time: "T", tokens: "N", replyTokens: "M" };
  graph.output(
    "logps",
    replyTokenLogps(transformer, batchInputs(graph, model.config, { symbols })),
  );
  return new Scorer(model, await runtime.session(toOnnx(graph)));
}

/** Made by `openScorer`. */
export class Scorer {
  readonly #model: Model;
  readonly #session: Session;
  readonly #angles: RotaryAngles;

  constructor(model: Model, session: Session) {
    this.#model = model;
    this.#session = session;
    this.#angles = new RotaryAngles(model.config);
  }

  /**
   * Summed log-probs (nats), in the order given; an empty reply scores 0.
   *
   * @throws RangeError when a prompt is empty: its reply's first token has nothing to follow
   * @throws InputError for a sequence longer than the model's sliding window
   */
  async logps(
    sequences: readonly Sequence[],
    { signal, onProgress }: ScoreOptions = {},
  ): Promise<Float64Array> {
    sequences.forEach(({ prompt }, i) => {
      if (prompt.length === 0) throw new RangeError(`Expected sequence ${i} to have a prompt.`);
    });
    requireWithinWindow(this.#model.config, longestSequence(sequences));
    const sums = new Float64Array(sequences.length);
    let done = 0;
    const limit = Math.min(TOKENS_PER_RUN, LOGITS_PER_RUN / this.#model.config.vocabSize);
    for (const rows of batchesByLength(sequences, limit)) {
      signal?.throwIfAborted();
      const scores = await this.#run(rows.map((row) => sequences[row]));
      rows.forEach((row, i) => sums[row] = scores[i]);
      onProgress?.(done += rows.length, sequences.length);
    }
    return sums;
  }

  /** Log-probs of both replies of each pair, in the order given. */
  async scorePairs(
    pairs: readonly TokenizedPair[],
    options: ScoreOptions = {},
  ): Promise<PairScore[]> {
    const replies = pairs.flatMap(({ prompt, chosen, rejected }) =>
      [chosen, rejected].flatMap((reply) => reply === null ? [] : [{ prompt, reply }])
    );
    const sums = (await this.logps(replies, options)).values();
    const next = () => sums.next().value as number;
    return pairs.map(({ id, chosen, rejected }) => ({
      id,
      chosenLogp: next(),
      rejectedLogp: rejected === null ? null : next(),
      chosenTokens: chosen.length,
      rejectedTokens: rejected === null ? null : rejected.length,
    }));
  }

  /** Frees the session. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  async #run(sequences: readonly Sequence[]): Promise<Float64Array> {
    const { segments, ...batch } = batchSequences(sequences, this.#angles);
    const feeds = { ...Object.fromEntries(this.#model.weights), ...batch };
    const { logps } = await this.#session.run(feeds);
    const sums = new Float64Array(sequences.length);
    segments.data.forEach((segment, i) => sums[Number(segment)] += Number(logps.data[i]));
    return sums;
  }
}

function longestSequence(sequences: readonly Sequence[]): number {
  return sequences.reduce(
    (most, { prompt, reply }) => Math.max(most, prompt.length + reply.length),
    0,
  );
}

/** Rows of similar length together, so that little is padded; rows with nothing to score are left out. */
function batchesByLength(sequences: readonly Sequence[], tokens: number): number[][] {
  const length = (row: number) => sequences[row].prompt.length + sequences[row].reply.length;
  const rows = sequences.flatMap(({ reply }, row) => reply.length === 0 ? [] : [row])
    .sort((a, b) => length(a) - length(b) || a - b);
  const batches: number[][] = [];
  for (const row of rows) {
    const batch = batches.at(-1);
    // Sorted by length, so this row is the longest.
    if (batch !== undefined && (batch.length + 1) * length(row) <= tokens) batch.push(row);
    else batches.push([row]);
  }
  return batches;
}
