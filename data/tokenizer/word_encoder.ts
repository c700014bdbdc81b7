import { byteLevelWords, isByteLevel, isObject, type JsonObject } from "./byte_level_words.ts";
import type { EncodeMany } from "./native_encoder.ts";
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
  const added = Array.isArray(tokenizer.added_tokens)
    ? tokenizer.added_tokens.filter(isObject)
    : [];
  const cut = cutterOf(tokenizer.pre_tokenizer);
  const plain = tokenizer.normalizer === null &&
    !added.some((token) => token.lstrip === true || token.rstrip === true || token.content === "");
  if (cut === null || !plain) return null;
  const ids = new Map(added.map(({ content, id }) => [String(content), Number(id)]));
  return new WordEncoder(ids, cut, words);
}

/** What stands between two added tokens: nothing that encodes it reaches over its ends. */
interface Section {
  readonly words: readonly string[];
  ids: readonly number[] | null;
}

/** Encodes texts word by word. */
export class WordEncoder {
  readonly #memory = new WordMemory();
  readonly #boundaries: RegExp | null;

  constructor(
    private readonly addedIds: ReadonlyMap<string, number>,
    private readonly cut: (text: string) => readonly string[],
    private readonly words: EncodeWords,
  ) {
    this.#boundaries = anyOf([...addedIds.keys()]);
  }

  /** Token ids of a text. */
  encode(text: string): Int32Array {
    return this.#join(this.#split(text), (section) => this.#idsOf(this.cut(section)));
  }

  /**
   * Token ids of many texts. A section that several share, such as the prompt of a pair, is cut and
   * encoded once; words that no text had before are encoded together.
   */
  async encodeAll(texts: readonly string[]): Promise<Int32Array[]> {
    const parts = texts.map((text) => this.#split(text));
    const sections = new Map<string, Section>();
    for (const section of parts.flat()) {
      if (!this.addedIds.has(section) && !sections.has(section)) {
        sections.set(section, { words: this.cut(section), ids: null });
      }
    }
    const news = await this.#encodeNew(sections.values());
    const idsOf = (text: string) => {
      const section = sections.get(text) as Section;
      return section.ids ??= this.#idsOf(section.words, news);
    };
    return parts.map((sections) => this.#join(sections, idsOf));
  }

  #split(text: string): string[] {
    return this.#boundaries === null ? [text] : text.split(this.#boundaries);
  }

  /** The ids of sections and of the added tokens between them. */
  #join(sections: readonly string[], idsOf: (section: string) => readonly number[]): Int32Array {
    const parts = sections.map((section) => {
      const added = this.addedIds.get(section);
      return added === undefined ? idsOf(section) : [added];
    });
    return concatenate(parts);
  }

  #idsOf(words: readonly string[], news?: ReadonlyMap<string, WordIds>): number[] {
    const ids: number[] = [];
    for (const word of words) {
      let found = this.#memory.get(word) ?? news?.get(word);
      if (found === undefined) {
        found = short(this.words.one(word));
        this.#memory.set(word, found);
      }
      if (typeof found === "number") ids.push(found);
      else for (const id of found) ids.push(id);
    }
    return ids;
  }

  /** Encodes the words that are not remembered; some may be forgotten again before they are used. */
  async #encodeNew(sections: Iterable<Section>): Promise<ReadonlyMap<string, WordIds>> {
    const { many } = this.words;
    const news = new Map<string, WordIds>();
    if (many === null) return news;
    const unknown = new Set<string>();
    for (const { words } of sections) {
      for (const word of words) if (this.#memory.get(word) === undefined) unknown.add(word);
    }
    if (unknown.size === 0) return news;
    const words = [...unknown];
    (await many(words)).forEach((ids, i) => {
      news.set(words[i], short(ids));
      this.#memory.set(words[i], short(ids));
    });
    return news;
  }
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
