/** What Python calls white space: JavaScript's, with U+001C to U+001F and U+0085, without U+FEFF. */
const WHITE_SPACE =
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005" +
  "\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

/** Which end of a text is stripped. */
export type StrippedSide = "both" | "left" | "right";

/**
 * A text without leading and trailing characters, as Python's `str.strip`, `lstrip` and `rstrip`:
 * those of `characters`, or Python's white space.
 *
 * @example
 * ```ts
 * import { pythonStrip } from "./python_strings.ts";
 * if (pythonStrip("\n a\uFEFF \n", { side: "both" }) !== "a\uFEFF") throw new Error();
 * if (pythonStrip("--a-", { side: "right", characters: "-" }) !== "--a") throw new Error();
 * ```
 */
export function pythonStrip(
  text: string,
  { side, characters = null }: { side: StrippedSide; characters?: string | null },
): string {
  const stripped = new Set(characters ?? WHITE_SPACE);
  const kept = (character: string) => !stripped.has(character);
  const all = Array.from(text);
  const first = side === "right" ? 0 : all.findIndex(kept);
  const last = side === "left" ? all.length - 1 : all.findLastIndex(kept);
  return first < 0 ? "" : all.slice(first, last + 1).join("");
}

/** A text as Python's `str.capitalize`: its first letter in upper case, the others in lower case. */
export function pythonCapitalize(text: string): string {
  const [first = ""] = text;
  return first.toUpperCase() + text.slice(first.length).toLowerCase();
}

/** A text as Python's `str.title`: every run of letters capitalised. */
export function pythonTitle(text: string): string {
  return text.replace(/\p{L}+/gu, pythonCapitalize);
}

/** A text as Jinja's filter `title`: capitalised at its start and after blanks, `-` and opening brackets. */
export function jinjaTitle(text: string): string {
  return text.replace(/[^-\s({[<]+/g, pythonCapitalize);
}

/** What a method or a filter makes of a text, given the characters that it names. */
type OfText = (text: string, characters?: string | null) => string;

const strip = (side: StrippedSide): OfText => (text, characters) =>
  pythonStrip(text, { side, characters });

/** Methods that the library gives JavaScript's meaning. */
const METHODS: Readonly<Record<string, OfText>> = {
  strip: strip("both"),
  lstrip: strip("left"),
  rstrip: strip("right"),
  title: (text) => pythonTitle(text),
  capitalize: (text) => pythonCapitalize(text),
};

/** Filters of the same kind. */
const FILTERS: Readonly<Record<string, OfText>> = {
  trim: strip("both"),
  title: (text) => jinjaTitle(text),
  capitalize: (text) => pythonCapitalize(text),
};

/** A text's method or filter, given the characters that it names. */
export type TextFunction = (text: string, characters?: unknown) => string;

/** A method of texts to which the library gives JavaScript's meaning; null for others. */
export function textMethod(name: string): TextFunction | null {
  return checked(METHODS, name);
}

/** A filter of the same kind. */
export function textFilter(name: string): TextFunction | null {
  return checked(FILTERS, name);
}

function checked(functions: Readonly<Record<string, OfText>>, name: string): TextFunction | null {
  if (!Object.hasOwn(functions, name)) return null;
  return (text, characters = null) => {
    if (characters === null || typeof characters === "string") {
      return functions[name](text, characters);
    }
    throw new TypeError(`${name}() of characters that are no text`);
  };
}
