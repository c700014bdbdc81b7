import type { Dtype } from "../../core/tensor.ts";
import type { Target } from "../graph/target.ts";
import type { PlacedTensor } from "../runtime/runtime.ts";
import type { ModelConfig } from "./config.ts";
import { EMBEDDING, HEAD } from "./parameters.ts";

/** Rows of the output projection that are multiplied in one go: some entries of the vocabulary. */
export interface HeadChunk {
  /** What the rows are fed as: the weight's name and which they are. */
  readonly name: string;
  readonly start: number;
  /** Excluded. */
  readonly end: number;
}

/** The weight that makes logits. */
export function headName({ tiedEmbeddings }: Pick<ModelConfig, "tiedEmbeddings">): string {
  return tiedEmbeddings ? EMBEDDING : HEAD;
}

/**
 * The output projection in chunks, the last one perhaps smaller; none where one would be all of it.
 *
 * @param size entries of the vocabulary in a chunk; all unless given
 */
export function headChunks(
  config: Pick<ModelConfig, "tiedEmbeddings" | "vocabSize">,
  size: number = config.vocabSize,
): HeadChunk[] {
  const { vocabSize } = config;
  const count = size >= vocabSize ? 0 : Math.ceil(vocabSize / size);
  return Array.from({ length: count }, (_, i) => {
    const [start, end] = [i * size, Math.min(vocabSize, (i + 1) * size)];
    return { name: `${headName(config)}[${start}:${end}]`, start, end };
  });
}

/**
 * Adds the chunks of a tensor that has the output projection's shape, where they lie, under their names.
 *
 * @param placed the tensors by weight, the whole one among them
 * @param stack is told of what is to be given back
 */
export function withChunks<D extends Dtype>(
  placed: Iterable<readonly [string, PlacedTensor<D>]>,
  { chunks, config, stack }: {
    readonly chunks: readonly HeadChunk[];
    readonly config: Pick<ModelConfig, "tiedEmbeddings">;
    readonly stack: AsyncDisposableStack;
  },
): Map<string, PlacedTensor<D>> {
  const all = new Map(placed);
  const whole = all.get(headName(config));
  if (whole === undefined) return all;
  const [, width] = whole.dims;
  for (const { name, start, end } of chunks) {
    const rows = end - start;
    all.set(name, stack.use(whole.piece(start * width, rows * width, [rows, width])));
  }
  return all;
}

/**
 * Logits that are made in one go, if a run makes no more: 256 MiB in float32, on a GPU, which has to be
 * kept busy, 1 GiB. Chunks cost one more product with the output projection, for the gradient.
 */
const LOGITS_WHOLE: { readonly [T in Target]: number } = { cpu: 1 << 26, cuda: 1 << 28 };

/** Logits of a chunk where there are more: 64 MiB, and 256 MiB. */
const LOGITS_OF_CHUNK: { readonly [T in Target]: number } = { cpu: 1 << 24, cuda: 1 << 26 };

/** Chunks begin at multiples of so many rows: kernels want operands at multiples of 256 bytes. */
const ALIGNMENT = 64;

/** Entries of a chunk at least: products of fewer columns are slow. */
const FEWEST = 4096;

/**
 * Reply tokens that a run should be able to hold: on a processor products gain nothing from more rows, so
 * that smaller runs cost less than chunks do.
 */
const REPLY_TOKENS_WANTED: { readonly [T in Target]: number } = { cpu: 512, cuda: Infinity };

/** What decides how many logits a run makes. */
export interface LogitsLimits {
  readonly vocabSize: number;
  /** Tokens of a run at most, unless a single pair has more. */
  readonly tokens: number;
  /** Most reply tokens of a pair, and pairs of a run at most; not known unless given. */
  readonly longest?: { readonly replies: number; readonly pairs: number };
  /** `cpu` unless given. */
  readonly target?: Target;
}

/** Entries of the vocabulary whose logits are there at once, where nothing else is asked for: all, or a chunk. */
export function defaultVocabularyChunk(
  { vocabSize, tokens, longest, target = "cpu" }: LogitsLimits,
): number {
  const one = longest?.replies ?? 0;
  const replyTokens = Math.max(one, longest ? Math.min(tokens, longest.pairs * one) : tokens);
  const wanted = Math.max(one, Math.min(replyTokens, REPLY_TOKENS_WANTED[target]));
  if (wanted * vocabSize <= LOGITS_WHOLE[target]) return vocabSize;
  const size = Math.max(FEWEST, LOGITS_OF_CHUNK[target] / replyTokens);
  // As many chunks as that takes, of one size.
  const even = vocabSize / Math.ceil(vocabSize / size);
  return Math.min(vocabSize, ALIGNMENT * Math.ceil(even / ALIGNMENT));
}

/** The entries that are asked for, no more than there are; the default where nothing is. */
export function vocabularyChunkFor(asked: number | undefined, limits: LogitsLimits): number {
  return asked === undefined ? defaultVocabularyChunk(limits) : Math.min(limits.vocabSize, asked);
}
