import { isRecord } from "../../core/json.ts";
import { addedTokenSections, type Section } from "./added_token_sections.ts";
import type { EncodeWord } from "./byte_pairs.ts";
import { byteLevelWords, isByteLevel, type JsonObject } from "./byte_level_words.ts";
import { addedTokens } from "./vocabulary.ts";
import { type WordIds, WordMemory } from "./word_memory.ts";

/**
 * An encoder that works each word out once. It fits tokenizers that do nothing but recognise added
 * tokens, cut the rest into words and encode each on its own; it gives what the library gives.
 *
 * @param tokenizer the content of tokenizer.json
 * @param encodeWord ids of a word
 * @returns null when the tokenizer is of another kind
 */
export function wordEncoder(tokenizer: JsonObject, encodeWord: EncodeWord): WordEncoder | null {
  const added = addedTokens(tokenizer);
  const cut = cutterOf(tokenizer.pre_tokenizer);
  const plain = tokenizer.normalizer === null &&
    !added.some((token) => token.lstrip === true || token.rstrip === true || token.content === "");
  if (cut === null || !plain) return null;
  return new WordEncoder(addedTokenSections(added), cut, encodeWord);
}

/** Encodes texts word by word. */
export class WordEncoder {
  readonly #memory = new WordMemory();

  constructor(
    private readonly sections: (text: string) => Section[],
    private readonly cut: (text: string) => readonly string[],
    private readonly encodeWord: EncodeWord,
  ) {}

  /** Token ids of a text. */
  encode(text: string): Int32Array {
    return this.encodeAll([text])[0];
  }

  /**
   * Token ids of many texts. A section that several share, such as the prompt of a pair, is cut and
   * encoded once.
   */
  encodeAll(texts: readonly string[]): Int32Array[] {
    const known = new Map<string, readonly number[]>();
    const idsOf = ({ text, id }: Section) => {
      if (id !== null) return [id];
      const ids = known.get(text) ?? this.#encodeSection(text);
      known.set(text, ids);
      return ids;
    };
    return texts.map((text) => concatenate(this.sections(text).map(idsOf)));
  }

  /** The ids of what lies between two added tokens. */
  #encodeSection(section: string): readonly number[] {
    const all: number[] = [];
    for (const word of this.cut(section)) {
      const ids = this.#memory.get(word) ?? this.#encodeNew(word);
      if (typeof ids === "number") all.push(ids);
      else for (const id of ids) all.push(id);
    }
    return all;
  }

  #encodeNew(word: string): WordIds {
    const ids = this.encodeWord(word);
    const known = ids.length === 1 ? ids[0] : ids;
    this.#memory.set(word, known);
    return known;
  }
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

/** How a pre-tokenizer cuts text into words; null for kinds that do more than that. */
function cutterOf(step: unknown): ((text: string) => readonly string[]) | null {
  if (!isRecord(step)) return null;
  if (step.type === "WhitespaceSplit") return (text) => text.match(/\P{White_Space}+/gu) ?? [];
  return isByteLevel(step) ? byteLevelWords : null;
}
