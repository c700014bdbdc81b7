import { requirePrompts, type TokenIds, type TokenizedPair } from "../data/pair.ts";
import type { Tensor } from "../core/tensor.ts";
import { openGraph } from "./graph/open_graph.ts";
import { runLanes } from "./lanes.ts";
import { type Target, targetOf } from "./graph/target.ts";
import { logpsGraph } from "./logps_graph.ts";
import {
  type AttentionBlocks,
  attentionBlocks,
  type LongestTokens,
} from "./models/attention_blocks.ts";
import { type ModelConfig, requireWithinWindow } from "./models/config.ts";
import { defaultVocabularyChunk, headChunks, withChunks } from "./models/head_chunks.ts";
import type { AdaptedModel } from "./models/adapter.ts";
import { inPrecision, type Precision } from "./precision.ts";
import { requireInRange } from "./models/storage_dtype.ts";
import { returnFreedMemory } from "./runtime/host_memory.ts";
import { RotaryAngles } from "./models/rotary_angles.ts";
import {
  defaultTokensPerRun,
  divideIntoRuns,
  fitsRun,
  longestPairsPerRun,
  replySize,
  type RunLimits,
  type Size,
  sizeOf,
  sumSizes,
} from "./pair_packs.ts";
import { holdsRests, type PromptedReplies, replyOrder } from "./pack_plan.ts";
import { layOut } from "./packs.ts";
import type { Ranks } from "./parallel/ranks.ts";
import { shareRows } from "./parallel/share_rows.ts";
import {
  openRuntime,
  type PlacedTensor,
  type RuntimeOptions,
  type Session,
} from "./runtime/open_runtime.ts";

/** A prompt and the reply whose log-probs are asked for, as token ids. */
export interface Sequence {
  readonly prompt: TokenIds;
  readonly reply: TokenIds;
}

/** Summed reply log-probs (nats) of one pair, and how many tokens each sum has. */
export interface PairScore {
  readonly id: string;
  readonly chosenLogp: number;
  /** null for demonstrations; so is `rejectedTokens`. */
  readonly rejectedLogp: number | null;
  readonly chosenTokens: number;
  readonly rejectedTokens: number | null;
}

/** How a scorer computes. */
export interface ScorerOptions extends RuntimeOptions {
  /** Weights that lie where the runtime computes already, by name: read there, and never copied. */
  readonly placed?: ReadonlyMap<string, PlacedTensor>;
  /** What layers compute in; float32 unless given. */
  readonly precision?: Precision;
  /** Whether rests of replies have a grid of their own; as `holdsRests` says unless given. */
  readonly rests?: boolean;
  /** Entries of the vocabulary whose logits are there at once; as `defaultVocabularyChunk` says unless given. */
  readonly vocabularyChunk?: number;
  /**
   * Queries whose attention is computed at once; as `defaultAttentionBlock` says of what is scored in one
   * go unless given.
   */
  readonly attentionBlock?: number;
  /** Whether attention is computed in one kernel, in no blocks; not unless given. */
  readonly fusedAttention?: boolean;
  /**
   * What may be asked for in one go: attention is divided for that, once. Else each number of blocks that
   * what is asked for needs has a session of its own, which is opened then and kept.
   */
  readonly most?: Scoring;
}

/** What is scored in one go. */
export interface Scoring {
  readonly longest: LongestTokens;
  readonly sequences: number;
}

/** How a long scoring is watched and stopped. */
export interface ScoreOptions {
  readonly signal?: AbortSignal;
  /** Told of sequences done, after each run. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Processes that score together, each a part; all get all log-probs. */
  readonly ranks?: Ranks;
}

/**
 * A scorer of replies: log π(reply | prompt), summed over the reply's tokens.
 *
 * @throws RangeError when the number of threads is not a positive integer
 * @throws InputError with weights that float16 cannot hold, where layers compute in it
 */
export async function openScorer(
  model: AdaptedModel,
  options: ScorerOptions,
): Promise<Scorer> {
  if (options.precision === "float16") requireInRange(model.weights, "float16");
  const target = targetOf(options.device);
  // On a processor a run on each thread, not one on all: what does not divide keeps no thread waiting.
  const spread = target === "cpu" && options.threads > 1 && Number.isInteger(options.threads);
  // Logits of one run are to take the place of those of the last.
  if (target === "cpu") returnFreedMemory("largest");
  const runtime = await openRuntime(spread ? { ...options, threads: 1 } : options);
  const { precision, rests = holdsRests(model.config, target) } = options;
  // What is placed is fed as it lies there; what is read alone needs no more than layers compute in.
  const [lying] = options.placed?.values() ?? [];
  const fed = lying === undefined || model.adapter ? precision : lying.dtype as Precision;
  const tokens = defaultTokensPerRun(model.config, target);
  const { vocabSize } = model.config;
  const { vocabularyChunk = defaultVocabularyChunk({ vocabSize, tokens, target }) } = options;
  const graphOf = (attentionBlocks?: AttentionBlocks) =>
    logpsGraph(model.config, model.adapter?.config, {
      precision,
      fed,
      rests,
      vocabularyChunk,
      attentionBlocks,
    });
  await using stack = new AsyncDisposableStack();
  const weights = new Map<string, PlacedTensor>();
  const place = (name: string, tensor: Tensor<Precision>, dtype?: Precision) => {
    const lies = options.placed?.get(name);
    weights.set(name, lies ?? stack.use(runtime.place<Precision>(inPrecision(tensor, dtype))));
  };
  for (const [name, tensor] of model.weights) place(name, tensor, fed);
  for (const [name, tensor] of model.adapter?.weights ?? []) place(name, tensor);
  const { config } = model;
  const chunks = headChunks(config, vocabularyChunk);
  return new Scorer(config, {
    open: (blocks) => openGraph(runtime, graphOf(blocks)),
    attentionBlock: options.fusedAttention ? Infinity : options.attentionBlock,
    fused: options.fusedAttention,
    most: options.most,
    weights: withChunks(weights, { chunks, config, stack }),
    limits: { tokens, logitsPerToken: vocabularyChunk, hiddenSize: config.hiddenSize, target },
    stack: stack.move(),
    lanes: spread ? options.threads : 1,
    rests,
    runtime: runtime.description,
  });
}

/** What a scorer is made of. */
interface Opened {
  /** Opens the graph with attention in blocks, or all of it at once. */
  readonly open: (blocks?: AttentionBlocks) => Promise<Session>;
  readonly attentionBlock?: number;
  /** Whether attention is computed in one kernel. */
  readonly fused?: boolean;
  readonly most?: Scoring;
  readonly weights: ReadonlyMap<string, PlacedTensor>;
  /** What `release` gives back. */
  readonly stack: AsyncDisposableStack;
  /** Runs at the same time. */
  readonly lanes: number;
  /** Whether rests of replies have a grid of their own. */
  readonly rests: boolean;
  /** What one run may hold. */
  readonly limits: RunLimits & { readonly target: Target };
  /** Which runtime computes, for people: `Runtime.description`. */
  readonly runtime: string;
}

/** Made by `openScorer`. */
export class Scorer {
  readonly #config: ModelConfig;
  readonly #opened: Opened;
  readonly #angles: RotaryAngles;
  /** By what their attention is divided into; each is opened when it is first needed. */
  readonly #sessions = new Map<string, Promise<Session>>();

  constructor(config: ModelConfig, opened: Opened) {
    this.#config = config;
    this.#opened = opened;
    this.#angles = new RotaryAngles(config);
  }

  /**
   * Summed log-probs (nats), in the order given; an empty reply scores 0.
   *
   * @throws RangeError when a prompt is empty: its reply's first token has nothing to follow
   * @throws InputError for a sequence longer than the model's sliding window
   */
  async logps(
    sequences: readonly Sequence[],
    { signal, onProgress, ranks }: ScoreOptions = {},
  ): Promise<Float64Array> {
    sequences.forEach(({ prompt }, i) => {
      if (prompt.length === 0) throw new RangeError(`Expected sequence ${i} to have a prompt.`);
    });
    requireWithinWindow(this.#config, longestSequence(sequences));
    if (ranks !== undefined) {
      const score = (some: readonly Sequence[]) => this.logps(some, { signal, onProgress });
      return await shareRows(sequences, score, { ranks, signal });
    }
    const sums = new Float64Array(sequences.length);
    let done = 0;
    const { lanes, limits } = this.#opened;
    const blocks = this.#blocksFor(sequences);
    const session = await this.#session(blocks);
    const groups = groupByPrompt(sequences, limits);
    const runs = divideIntoRuns(groups.map(sizeOf), limits).values();
    await runLanes(Array.from({ length: lanes }, () => runs), async (run) => {
      signal?.throwIfAborted();
      const rows = await this.#run(run.map((group) => groups[group]), { session, blocks, sums });
      onProgress?.(done += rows, sequences.length);
    });
    return sums;
  }

  /**
   * Log-probs of both replies of each pair, in the order given.
   *
   * @throws InputError for pairs with an empty prompt, or for a sequence longer than the model's sliding
   * window
   */
  async scorePairs(
    pairs: readonly TokenizedPair[],
    options: ScoreOptions = {},
  ): Promise<PairScore[]> {
    requirePrompts(pairs);
    const sums = (await this.logps(pairReplies(pairs), options)).values();
    const next = () => sums.next().value as number;
    return pairs.map(({ id, chosen, rejected }) => ({
      id,
      chosenLogp: next(),
      rejectedLogp: rejected === null ? null : next(),
      chosenTokens: chosen.length,
      rejectedTokens: rejected === null ? null : rejected.length,
    }));
  }

  /** Which runtime computes, for people: `Runtime.description`. */
  get runtime(): string {
    return this.#opened.runtime;
  }

  /** Frees the session, and what was placed for it. */
  async release(): Promise<void> {
    await this.#opened.stack.disposeAsync();
  }

  #blocksFor(asked: readonly Sequence[]): AttentionBlocks | undefined {
    const { limits, attentionBlock: block, fused, most } = this.#opened;
    const { longest, sequences } = most ?? scoringOf(asked);
    return attentionBlocks(this.#config, longest, {
      block,
      fused,
      target: limits.target,
      pairs: longestPairsPerRun(longest, { ...limits, pairs: sequences }),
    });
  }

  #session(blocks: AttentionBlocks | undefined): Promise<Session> {
    const key = JSON.stringify(blocks ?? null);
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const { open, stack } = this.#opened;
    // One block is to take the place of the other.
    if (blocks !== undefined) returnFreedMemory();
    const opening = open(blocks).then((session) => {
      stack.defer(() => session.release());
      return session;
    });
    this.#sessions.set(key, opening);
    return opening;
  }

  /** Adds the log-probs of some groups to their rows' sums; gives the number of rows. */
  async #run(
    groups: readonly Group[],
    { session, blocks, sums }: {
      readonly session: Session;
      readonly blocks: AttentionBlocks | undefined;
      readonly sums: Float64Array;
    },
  ): Promise<number> {
    const { weights, rests } = this.#opened;
    const layout = { config: this.#config, angles: this.#angles, rests, blocks };
    const { segments, ...pack } = layOut(groups, layout);
    const inputs = new Set(session.inputs);
    const feeds = [...weights, ...Object.entries<Tensor>(pack)]
      .filter(([name]) => inputs.has(name));
    const { logps } = await session.run(Object.fromEntries<Tensor | PlacedTensor>(feeds));
    const order = replyOrder(groups).map(({ group, reply }) => groups[group].rows[reply]);
    segments.data.forEach((segment, i) => sums[order[Number(segment)]] += Number(logps.data[i]));
    return order.length;
  }
}

/** A prompt with its replies, and the row that each reply came from. */
export interface Group extends PromptedReplies {
  readonly replies: TokenIds[];
  readonly rows: number[];
}

/**
 * Sequences that begin alike together, as far as one run holds them; nothing is scored of an empty
 * reply.
 */
export function groupByPrompt(
  sequences: readonly Sequence[],
  limits: RunLimits,
): Group[] {
  const groups: Group[] = [];
  const open = new Map<string, { readonly group: Group; size: Size }>();
  sequences.forEach(({ prompt, reply }, row) => {
    if (reply.length === 0) return;
    const key = prompt.join();
    const begun = open.get(key);
    const size = begun && sumSizes(begun.size, replySize(prompt.length, reply.length));
    if (size !== undefined && fitsRun(size, limits)) {
      begun!.size = size;
      begun!.group.replies.push(reply);
      begun!.group.rows.push(row);
      return;
    }
    const group = { prompt, replies: [reply], rows: [row] };
    groups.push(group);
    open.set(key, { group, size: sizeOf(group) });
  });
  return groups;
}

/** Every reply of pairs with its prompt: a pair's chosen one, then its rejected one if it has one. */
export function pairReplies(pairs: readonly TokenizedPair[]): Sequence[] {
  return pairs.flatMap(({ prompt, chosen, rejected }) =>
    [chosen, rejected].flatMap((reply) => reply === null ? [] : [{ prompt, reply }])
  );
}

function scoringOf(sequences: readonly Sequence[]): Scoring {
  return { longest: longestTokens(sequences), sequences: sequences.length };
}

/** Tokens of the longest prompt and of the longest reply, among those that have a reply; 0 for none. */
export function longestTokens(sequences: readonly Sequence[]): LongestTokens {
  return sequences.filter(({ reply }) => reply.length > 0).reduce(
    (most, { prompt, reply }) => ({
      prompt: Math.max(most.prompt, prompt.length),
      reply: Math.max(most.reply, reply.length),
    }),
    { prompt: 0, reply: 0 },
  );
}

/** Tokens of the longest prompt with its reply; 0 for none. */
export function longestSequence(sequences: readonly Sequence[]): number {
  return sequences.reduce(
    (most, { prompt, reply }) => Math.max(most, prompt.length + reply.length),
    0,
  );
}
