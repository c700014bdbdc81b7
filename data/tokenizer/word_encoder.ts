import { byteLevelWords, isByteLevel, isObject, type JsonObject } from "./byte_level_words.ts";

/** Words kept with their ids before the memory of them starts anew. */
const MOST_WORDS = 50000;

/**
 * An encoder that works each word out once. It fits tokenizers that do nothing but recognise added
 * tokens, cut the rest into words and encode each on its own; it gives what the library gives.
 *
 * @param tokenizer the content of tokenizer.json
 * @param encode ids of a text, by the library
 * @returns null when the tokenizer is of another kind
 */
export function wordEncoder(
  tokenizer: JsonObject,
  encode: (text: string) => readonly number[],
): ((text: string) => number[]) | null {
  const added = Array.isArray(tokenizer.added_tokens)
    ? tokenizer.added_tokens.filter(isObject)
    : [];
  const cut = cutterOf(tokenizer.pre_tokenizer);
  const plain = tokenizer.normalizer === null &&
    !added.some((token) => token.lstrip === true || token.rstrip === true || token.content === "");
  if (cut === null || !plain) return null;
  const addedIds = new Map(added.map(({ content, id }) => [String(content), Number(id)]));
  const boundaries = anyOf([...addedIds.keys()]);
  const known = new Map<string, readonly number[]>();
  const encodeWord = (word: string) => {
    let ids = known.get(word);
    if (ids === undefined) {
      if (known.size >= MOST_WORDS) known.clear();
      ids = encode(word);
      known.set(word, ids);
    }
    return ids;
  };
  return (text) => {
    const ids: number[] = [];
    for (const section of boundaries === null ? [text] : text.split(boundaries)) {
      const special = addedIds.get(section);
      if (special !== undefined) {
        ids.push(special);
        continue;
      }
      for (const word of cut(section)) {
        for (const id of encodeWord(word)) ids.push(id);
      }
    }
    return ids;
  };
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
