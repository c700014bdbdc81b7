/** How byte-level tokenizers cut text into words (Radford et al., 2019: the GPT-2 encoder). */
const BYTE_LEVEL_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * That pattern for JavaScript, with Unicode's white space spelt out: JavaScript's `\s` holds U+FEFF
 * and lacks U+0085, against Oniguruma's, which the `tokenizers` crate uses.
 */
const WORDS = new RegExp(
  BYTE_LEVEL_PATTERN.replaceAll("\\s", "\\p{White_Space}").replaceAll("\\S", "\\P{White_Space}"),
  "gu",
);

/** The words of a text as byte-level tokenizers cut it; joined, they are the text. */
export function byteLevelWords(text: string): readonly string[] {
  return text.match(WORDS) ?? [];
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Spells a tokenizer.json's byte-level pre-tokenizers out as a split by the pattern followed by bytes:
 * the library gives Oniguruma's meaning to a spelt-out pattern, but not to the one it has built in.
 *
 * @param tokenizer the content of tokenizer.json, left as it is
 */
export function spellOutByteLevel(tokenizer: JsonObject): JsonObject {
  return { ...tokenizer, pre_tokenizer: spellOut(tokenizer.pre_tokenizer) };
}

function spellOut(step: unknown): unknown {
  if (!isObject(step)) return step;
  if (step.type === "Sequence" && Array.isArray(step.pretokenizers)) {
    return { ...step, pretokenizers: step.pretokenizers.map(spellOut) };
  }
  if (!isByteLevel(step)) return step;
  const split = {
    type: "Split",
    pattern: { Regex: BYTE_LEVEL_PATTERN },
    behavior: "Isolated",
    invert: false,
  };
  return { type: "Sequence", pretokenizers: [split, { ...step, use_regex: false }] };
}

/** Words kept with their ids before the memory of them starts anew. */
const MOST_WORDS = 50000;

/**
 * An encoder that works each word out once. It fits tokenizers that do nothing but recognise added
 * tokens, cut byte-level words and encode each on its own; it gives what the library gives.
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
  const plain = isObject(tokenizer.pre_tokenizer) && isByteLevel(tokenizer.pre_tokenizer) &&
    tokenizer.normalizer === null &&
    !added.some((token) => token.lstrip === true || token.rstrip === true || token.content === "");
  if (!plain) return null;
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
      if (special !== undefined) ids.push(special);
      else {for (const word of byteLevelWords(section)) {
          for (const id of encodeWord(word)) ids.push(id);
        }}
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

/** A byte-level pre-tokenizer that cuts by the pattern and puts no blank in front. */
function isByteLevel(step: JsonObject): boolean {
  return step.type === "ByteLevel" && step.use_regex !== false && step.add_prefix_space !== true;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
