import { isRecord } from "../../core/json.ts";

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

/** An object of a parsed JSON document. */
export type JsonObject = Readonly<Record<string, unknown>>;

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
  if (!isRecord(step)) return step;
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

/** A byte-level pre-tokenizer that cuts by the pattern and puts no blank in front. */
export function isByteLevel(step: JsonObject): boolean {
  return step.type === "ByteLevel" && step.use_regex !== false && step.add_prefix_space !== true;
}
