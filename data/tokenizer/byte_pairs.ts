import { isRecord } from "../../core/json.ts";
import { BYTE_CHARACTERS } from "./byte_alphabet.ts";
import { isByteLevel, type JsonObject } from "./byte_level_words.ts";

/** Ids of a word. */
export type EncodeWord = (word: string) => readonly number[];

/** Bytes of a word up to which all its pairs are looked at for each merge. */
const LONGEST = 512;

/** The rank of two tokens that are not merged: behind all others. */
const NEVER = 2 ** 31 - 1;

/**
 * Byte-level byte-pair encoding of words (Sennrich et al., 2016, section 3.2; Radford et al., 2019):
 * of all neighbours in a word, those that come first in the list of merges become one token, the left
 * ones of equals, until no neighbours are in the list.
 *
 * @param tokenizer the content of tokenizer.json
 * @param library asked for words that are very long or hold a byte that no token writes
 * @returns null when the tokenizer does anything else
 */
export function bytePairEncoder(tokenizer: JsonObject, library: EncodeWord): EncodeWord | null {
  const { pre_tokenizer: cutter, model } = tokenizer;
  if (!isRecord(cutter) || !isByteLevel(cutter) || !isRecord(model) || !isPlain(model)) return null;
  const vocab = model.vocab as Readonly<Record<string, number>>;
  const merges = mergeTable(vocab, model.merges as readonly unknown[]);
  if (merges === null) return null;
  const byteIds = Int32Array.from(BYTE_CHARACTERS, (character) => vocab[character] ?? -1);
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(LONGEST);
  const word = new MergedWord(merges);
  return (text) => {
    const { read, written } = encoder.encodeInto(text, bytes);
    if (read < text.length) return library(text);
    const ids: number[] = [];
    for (let i = 0; i < written; i++) ids.push(byteIds[bytes[i]]);
    return ids.includes(-1) ? library(text) : word.merge(ids);
  };
}

/** Whether a model merges bytes and does nothing beside. */
function isPlain(model: JsonObject): boolean {
  const { continuing_subword_prefix: prefix, end_of_word_suffix: suffix } = model;
  return model.type === "BPE" && isRecord(model.vocab) && Array.isArray(model.merges) &&
    [model.dropout, model.ignore_merges, prefix, suffix].every((value) => !value);
}

/** A word while its tokens are merged. */
class MergedWord {
  /** What the token at a place and the next one are merged into, and when. */
  readonly #ranks = new Int32Array(LONGEST);
  readonly #merged = new Int32Array(LONGEST);

  constructor(private readonly merges: MergeTable) {}

  /** Merges the tokens of a word; the array is changed and given back. */
  merge(ids: number[]): number[] {
    for (let i = 0; i + 1 < ids.length; i++) this.#look(ids, i);
    while (ids.length > 1) {
      const first = this.#firstOf(ids.length - 1);
      if (this.#ranks[first] === NEVER) break;
      ids[first] = this.#merged[first];
      ids.splice(first + 1, 1);
      this.#ranks.copyWithin(first + 1, first + 2, ids.length);
      this.#merged.copyWithin(first + 1, first + 2, ids.length);
      if (first > 0) this.#look(ids, first - 1);
      if (first + 1 < ids.length) this.#look(ids, first);
    }
    return ids;
  }

  /** The place of the lowest rank among so many, the leftmost of equals. */
  #firstOf(pairs: number): number {
    let first = 0;
    for (let i = 1; i < pairs; i++) if (this.#ranks[i] < this.#ranks[first]) first = i;
    return first;
  }

  #look(ids: readonly number[], at: number): void {
    const slot = this.merges.find(ids[at], ids[at + 1]);
    this.#ranks[at] = this.merges.ranks[slot];
    this.#merged[at] = this.merges.merged[slot];
  }
}

/**
 * Merges by the two tokens: a hash table with open addressing, at most half full. A Map would need a
 * text, or a number beyond 31 bits, for each of the pairs that are asked for.
 */
class MergeTable {
  /** How early a slot's merge stands in the list; `NEVER` for a free slot. */
  readonly ranks: Int32Array;
  /** The token that it makes. */
  readonly merged: Int32Array;
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #mask: number;

  constructor(merges: number) {
    const size = 2 ** Math.ceil(Math.log2(2 * merges + 2));
    this.#mask = size - 1;
    this.ranks = new Int32Array(size).fill(NEVER);
    this.merged = new Int32Array(size);
    this.#left = new Int32Array(size);
    this.#right = new Int32Array(size);
  }

  /** The slot of a merge, a free one when there is none. */
  find(left: number, right: number): number {
    // Knuth's multiplicative hashing; the constants are odd and near 2³²/φ and 2³²/√2.
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0xb504f333);
    let slot = (mixed ^ (mixed >>> 15)) & this.#mask;
    while (
      this.ranks[slot] !== NEVER && (this.#left[slot] !== left || this.#right[slot] !== right)
    ) slot = (slot + 1) & this.#mask;
    return slot;
  }

  set(left: number, right: number, { rank, id }: { rank: number; id: number }): void {
    const slot = this.find(left, right);
    this.ranks[slot] = rank;
    this.merged[slot] = id;
    this.#left[slot] = left;
    this.#right[slot] = right;
  }
}

/** The merges of a model, written as pairs or as `"a b"`; null when one is of no tokens. */
function mergeTable(
  vocab: Readonly<Record<string, number>>,
  merges: readonly unknown[],
): MergeTable | null {
  const table = new MergeTable(merges.length);
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank];
    const parts = typeof merge === "string" ? merge.split(" ") : merge;
    if (!Array.isArray(parts) || parts.length !== 2) return null;
    const [left, right, id] = [vocab[parts[0]], vocab[parts[1]], vocab[parts[0] + parts[1]]];
    if (![left, right, id].every((each) => typeof each === "number")) return null;
    table.set(left, right, { rank, id });
  }
  return table;
}
