import { byteLevelWords, isByteLevel, isObject, type JsonObject } from "./byte_level_words.ts";
import type { EncodeMany } from "./native_encoder.ts";
import { addedTokens } from "./vocabulary.ts";
import { type WordIds, WordMemory } from "./word_memory.ts";

/** How the words themselves are encoded. */
export interface EncodeWords {
  /** Ids of a word. */
  readonly one: (word: string) => readonly number[];
  /** The same ids for many words; null where they must be asked for one by one. */
  readonly many: EncodeMany | null;
}

/**
 * An encoder that works each word out once. It fits tokenizers that do nothing but recognise added
 * tokens, cut the rest into words and encode each on its own; it gives what the library gives.
 *
 * @param tokenizer the content of tokenizer.json
 * @returns null when the tokenizer is of another kind
 */
export function wordEncoder(tokenizer: JsonObject, words: EncodeWords): WordEncoder | null {
  const added = addedTokens(tokenizer);
  const cut = cutterOf(tokenizer.pre_tokenizer);
  const plain = tokenizer.normalizer === null &&
    !added.some((token) => token.lstrip === true || token.rstrip === true || token.content === "");
  if (cut === null || !plain) return null;
  const ids = new Map(added.map(({ content, id }) => [String(content), Number(id)]));
  return new WordEncoder(ids, cut, words);
}

/** Encodes texts word by word. */
export class WordEncoder {
  readonly #memory = new WordMemory();
  readonly #boundaries: RegExp | null;
  /** Settles when the words of the last call are known. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly addedIds: ReadonlyMap<string, number>,
    private readonly cut: (text: string) => readonly string[],
    private readonly words: EncodeWords,
  ) {
    this.#boundaries = anyOf([...addedIds.keys()]);
  }

  /** Token ids of a text. */
  encode(text: string): Int32Array {
    const idsOf = (word: string) => this.#memory.get(word) ?? this.#encodeOne(word);
    return this.#join(this.#split(text), (section) => flatten(this.cut(section).map(idsOf)));
  }

  /**
   * Token ids of many texts. A section that several share, such as the prompt of a pair, is cut and
   * encoded once; words that no text had before are encoded together. A call that is begun before
   * the last one ends cuts its texts meanwhile, then asks for what that one has not learned.
   */
  async encodeAll(texts: readonly string[]): Promise<Int32Array[]> {
    const parts = texts.map((text) => this.#split(text));
    const sections = new Map<string, readonly string[]>();
    for (const section of parts.flat()) {
      if (this.addedIds.has(section) || sections.has(section)) continue;
      sections.set(section, this.cut(section));
    }
    const encoding = this.#last.then(() => this.#encodeSections(sections));
    this.#last = encoding.catch(() => {});
    const ids = await encoding;
    return parts.map((sections) => this.#join(sections, (section) => ids.get(section) ?? []));
  }

  #split(text: string): string[] {
    return this.#boundaries === null ? [text] : text.split(this.#boundaries);
  }

  /** The ids of sections, which lie between added tokens, and of those. */
  #join(sections: readonly string[], idsOf: (section: string) => readonly number[]): Int32Array {
    const parts = sections.map((section) => {
      const added = this.addedIds.get(section);
      return added === undefined ? idsOf(section) : [added];
    });
    return concatenate(parts);
  }

  /** The ids of sections, of which the words are given. */
  async #encodeSections(
    sections: ReadonlyMap<string, readonly string[]>,
  ): Promise<ReadonlyMap<string, readonly number[]>> {
    const found = [...sections].map(([section, words]) =>
      [section, words.map((word) => this.#memory.get(word) ?? word)] as const
    );
    const news = await this.#encodeNew(found.flatMap(([, words]) => words.filter(isText)));
    return new Map(found.map(([section, words]) => [
      section,
      flatten(words.map((word) => isText(word) ? news.get(word) as WordIds : word)),
    ]));
  }

  #encodeOne(word: string): WordIds {
    const ids = short(this.words.one(word));
    this.#memory.set(word, ids);
    return ids;
  }

  /** The ids of words that are not remembered; some may be forgotten again before they are used. */
  async #encodeNew(words: readonly string[]): Promise<ReadonlyMap<string, WordIds>> {
    const unknown = [...new Set(words)];
    const { one, many } = this.words;
    const encoded = many === null || unknown.length === 0 ? unknown.map(one) : await many(unknown);
    return new Map(encoded.map((ids, i) => {
      const known = short(ids);
      this.#memory.set(unknown[i], known);
      return [unknown[i], known];
    }));
  }
}

function isText(word: WordIds | string): word is string {
  return typeof word === "string";
}

function flatten(words: readonly WordIds[]): number[] {
  const all: number[] = [];
  for (const ids of words) {
    if (typeof ids === "number") all.push(ids);
    else for (const id of ids) all.push(id);
  }
  return all;
}

function short(ids: readonly number[]): WordIds {
  return ids.length === 1 ? ids[0] : ids;
}

function concatenate(parts: readonly (readonly number[])[]): Int32Array {
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Matches any of some texts, the longest that fits; captures it, so that `split` keeps it. */
export function anyOf(texts: readonly string[]): RegExp | null {
  if (texts.length === 0) return null;
  const longestFirst = texts.toSorted((a, b) => b.length - a.length);
  return new RegExp(`(${longestFirst.map((text) => RegExp.escape(text)).join("|")})`);
}

/** How a pre-tokenizer cuts text into words; null for kinds that do more than that. */
function cutterOf(step: unknown): ((text: string) => readonly string[]) | null {
  if (!isObject(step)) return null;
  if (step.type === "WhitespaceSplit") return (text) => text.match(/\P{White_Space}+/gu) ?? [];
  return isByteLevel(step) ? byteLevelWords : null;
}
