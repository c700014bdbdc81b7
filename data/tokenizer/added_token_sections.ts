import type { JsonObject } from "./byte_level_words.ts";

/** A piece of a text: an added token and its id, or what lies between two of them. */
export interface Section {
  readonly text: string;
  /** Null for what is no added token. */
  readonly id: number | null;
}

/** What is looked for in one pass over a text. */
interface Pass {
  readonly pattern: RegExp;
  readonly tokens: ReadonlyMap<string, JsonObject>;
}

/** Ends, or begins, with a letter, mark, digit or connector: what `\w` is to the `tokenizers` crate. */
const WORD = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]";
// Anchored in front as well: V8 misses a surrogate pair where it searches for a class at the end.
const ENDS_WITH_WORD = new RegExp(`^[^]?${WORD}$`, "u");
const STARTS_WITH_WORD = new RegExp(`^${WORD}`, "u");

/**
 * Cuts texts at added tokens as the `tokenizers` crate does where there is no normalizer: first at those
 * that are not `normalized`, then, between them, at the others; each time the leftmost that fit, of these
 * the longest. One of a `single_word` is passed over where it touches a word.
 *
 * @param added entries of tokenizer.json's `added_tokens`, none of them empty
 */
export function addedTokenSections(added: readonly JsonObject[]): (text: string) => Section[] {
  const isNormalized = (token: JsonObject) => token.normalized ?? token.special !== true;
  const passes = [false, true].map((normalized) =>
    passOf(added.filter((token) => isNormalized(token) === normalized))
  ).filter((pass) => pass !== null);
  return (text) =>
    passes.reduce<Section[]>(
      (sections, pass) =>
        sections.flatMap((section) => section.id === null ? cut(section.text, pass) : section),
      [{ text, id: null }],
    );
}

/** Matches any of some texts, the longest that fits; null for none. */
export function anyOf(texts: readonly string[]): RegExp | null {
  if (texts.length === 0) return null;
  const longestFirst = texts.toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((text) => RegExp.escape(text)).join("|"));
}

/** Null when nothing is looked for. */
function passOf(added: readonly JsonObject[]): Pass | null {
  const tokens = new Map(added.map((token) => [String(token.content), token]));
  const pattern = anyOf([...tokens.keys()]);
  return pattern && { pattern: new RegExp(pattern, "g"), tokens };
}

function cut(text: string, { pattern, tokens }: Pass): Section[] {
  const sections: Section[] = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    const token = tokens.get(found)!;
    const end = index + found.length;
    if (token.single_word === true && touchesWord(text, index, end)) continue;
    if (index > from) sections.push({ text: text.slice(from, index), id: null });
    sections.push({ text: found, id: Number(token.id) });
    from = end;
  }
  if (from < text.length) sections.push({ text: text.slice(from), id: null });
  return sections;
}

function touchesWord(text: string, from: number, end: number): boolean {
  // Two units hold any character.
  return ENDS_WITH_WORD.test(text.slice(Math.max(0, from - 2), from)) ||
    STARTS_WITH_WORD.test(text.slice(end, end + 2));
}
