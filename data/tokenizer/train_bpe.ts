import { BYTE_CHARACTERS } from "./byte_alphabet.ts";
import { byteLevelWords } from "./byte_level_words.ts";
import { PairQueue } from "./pair_queue.ts";

/** How to train a byte-level vocabulary. */
export interface TrainBpe {
  /** Tokens in all: special ones, 256 bytes, merges. Fewer when the text has no more to merge. */
  readonly vocabSize: number;
  /** Get the ids from 0 on, in this order. */
  readonly specialTokens: readonly string[];
}

/** A trained vocabulary: a token's id is its place. */
export interface BpeVocabulary {
  readonly tokens: readonly string[];
  /** Pairs of tokens, the first to be merged first. */
  readonly merges: readonly (readonly [string, string])[];
}

/**
 * Trains a byte-level BPE vocabulary (Sennrich et al., 2016, on bytes as Radford et al., 2019):
 * again and again the most frequent pair of neighbours within words becomes a token. Of equally
 * frequent pairs the one with the lower ids wins, as in the `tokenizers` crate, whose vocabularies
 * this reproduces; the result depends on nothing but the texts.
 *
 * Texts are read once, as a stream; words are counted once and pair counts kept up to date merge by merge.
 *
 * @throws RangeError when the size leaves no room for the special tokens and the bytes
 *
 * @example
 * ```ts
 * import { trainByteLevelBpe } from "./train_bpe.ts";
 * const { merges } = await trainByteLevelBpe(["ab ab ab"], { vocabSize: 257, specialTokens: [] });
 * if (merges.join() !== "a,b") throw new Error();
 * ```
 */
export async function trainByteLevelBpe(
  texts: Iterable<string> | AsyncIterable<string>,
  options: TrainBpe,
): Promise<BpeVocabulary> {
  const { vocabSize, specialTokens } = options;
  const least = specialTokens.length + BYTE_CHARACTERS.length;
  if (!Number.isInteger(vocabSize) || vocabSize < least) {
    throw new RangeError(
      `Expected vocabSize to be an integer of at least ${least} (${specialTokens.length} special ` +
        `tokens and 256 bytes) but found ${vocabSize}.`,
    );
  }
  // The crate numbers the alphabet by code point, not by byte.
  const tokens = [...specialTokens, ...BYTE_CHARACTERS.toSorted(byCodeUnit)];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const corpus = new Corpus(await countWords(texts), ids);
  const merges: [string, string][] = [];
  while (tokens.length < vocabSize) {
    const pair = corpus.mostFrequentPair();
    if (pair === undefined) break;
    const [left, right] = [tokens[pair.left], tokens[pair.right]];
    const merged = left + right;
    const known = ids.get(merged);
    if (known === undefined) {
      ids.set(merged, tokens.length);
      tokens.push(merged);
    }
    merges.push([left, right]);
    corpus.merge(pair.left, pair.right, known ?? tokens.length - 1);
  }
  return { tokens, merges };
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function countWords(
  texts: Iterable<string> | AsyncIterable<string>,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const text of texts) {
    for (const word of byteLevelWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

/** Ids stay far below this, so that two of them make one exact number. */
const RADIX = 2 ** 24;

/** The distinct words as token ids, with the counts of all pairs of neighbours. */
class Corpus {
  #words: number[][] = [];
  #frequencies: number[] = [];
  #counts = new Map<number, number>();
  /** The words that hold, or once held, a pair. */
  #places = new Map<number, Set<number>>();
  #queue = new PairQueue();

  constructor(words: ReadonlyMap<string, number>, ids: ReadonlyMap<string, number>) {
    const encoder = new TextEncoder();
    for (const [word, frequency] of words) {
      const bytes = encoder.encode(word);
      const tokens = Array.from(bytes, (byte) => ids.get(BYTE_CHARACTERS[byte]) as number);
      const index = this.#words.push(tokens) - 1;
      this.#frequencies.push(frequency);
      for (let i = 1; i < tokens.length; i++) this.#add(tokens[i - 1], tokens[i], index);
    }
    for (const key of this.#counts.keys()) this.#enqueue(key);
  }

  /** The pair to merge next; `undefined` when every word is one token. */
  mostFrequentPair(): { left: number; right: number } | undefined {
    for (let pair = this.#queue.pop(); pair !== undefined; pair = this.#queue.pop()) {
      const key = pair.left * RADIX + pair.right;
      const count = this.#counts.get(key) ?? 0;
      if (count < 1) continue;
      if (count === pair.count) return pair;
      // Merges since made it rarer: back in line.
      this.#queue.push({ ...pair, count });
    }
    return undefined;
  }

  /** Replaces a pair by one token in every word. */
  merge(left: number, right: number, token: number): void {
    const key = left * RADIX + right;
    const touched = new Set<number>();
    for (const index of this.#places.get(key) ?? []) {
      const word = this.#words[index];
      for (let i = 0; i + 1 < word.length; i++) {
        if (word[i] !== left || word[i + 1] !== right) continue;
        if (i > 0) {
          this.#remove(word[i - 1], left, index);
          touched.add(this.#add(word[i - 1], token, index));
        }
        if (i + 2 < word.length) {
          this.#remove(right, word[i + 2], index);
          touched.add(this.#add(token, word[i + 2], index));
        }
        word.splice(i, 2, token);
      }
    }
    this.#counts.delete(key);
    this.#places.delete(key);
    for (const pair of touched) this.#enqueue(pair);
  }

  #add(left: number, right: number, index: number): number {
    const key = left * RADIX + right;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + this.#frequencies[index]);
    const places = this.#places.get(key);
    if (places === undefined) this.#places.set(key, new Set([index]));
    else places.add(index);
    return key;
  }

  #remove(left: number, right: number, index: number): void {
    const key = left * RADIX + right;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) - this.#frequencies[index]);
  }

  #enqueue(key: number): void {
    const count = this.#counts.get(key) ?? 0;
    if (count > 0) {
      this.#queue.push({ left: Math.floor(key / RADIX), right: key % RADIX, count });
    }
  }
}
