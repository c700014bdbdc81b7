/** Words of one generation: two of them are kept at most. */
const GENERATION = 50_000;

/** Longer words are seldom met again. */
const LONGEST = 64;

/** From this length on, V8 may keep a part of a text as a view that holds on to the whole text. */
const VIEWED = 13;

/** Ids of a word; most words are one token. */
export type WordIds = number | readonly number[];

/**
 * Remembers the ids of words: the latest 50,000 to 100,000, those that come again among them, with
 * none of the texts that they were cut from.
 */
export class WordMemory {
  #young = new Map<string, WordIds>();
  #old = new Map<string, WordIds>();

  /** The ids of a word that is known. */
  get(word: string): WordIds | undefined {
    const ids = this.#young.get(word);
    if (ids !== undefined) return ids;
    const old = this.#old.get(word);
    if (old !== undefined) this.set(word, old);
    return old;
  }

  /** Keeps the ids of a word, unless it is very long. */
  set(word: string, ids: WordIds): void {
    if (word.length > LONGEST) return;
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(word.length < VIEWED ? word : ` ${word}`.slice(1), ids);
  }
}
