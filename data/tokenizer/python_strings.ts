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

/** Digraphs with an upper-case, a title-case and a lower-case form each. */
const DIGRAPHS = "\u01c4\u01c5\u01c6\u01c7\u01c8\u01c9\u01ca\u01cb\u01cc\u01f1\u01f2\u01f3";

/** A character as a word begins with it, as Unicode's full title case: `ǆ` becomes `ǅ`, `ß` becomes `Ss`. */
function titleCase(character: string): string {
  const digraph = DIGRAPHS.indexOf(character);
  if (character !== "" && digraph >= 0) return DIGRAPHS[digraph - digraph % 3 + 1];
  // Georgian has capitals for words of capitals alone.
  if (/[\u10d0-\u10fa\u10fd-\u10ff]/.test(character)) return character;
  const [first = "", ...rest] = character.toUpperCase();
  if (!/\p{Cased}/u.test(first)) return [first, ...rest].join("");
  // An iota below a letter stays below it, and is one with it where it can be.
  const small = rest.map((each) => each === "\u0399" ? "\u0345" : each.toLowerCase());
  const title = [first, ...small].join("");
  return small.length === 1 && small[0] === "\u0345" ? title.normalize("NFC") : title;
}

/** A text as Python's `str.capitalize`: its first letter in title case, the others in lower case. */
export function pythonCapitalize(text: string): string {
  const [first = ""] = text;
  // In lower case, a last sigma depends on what is before it.
  return titleCase(first) + text.toLowerCase().slice(first.toLowerCase().length);
}

/** A text as Python's `str.title`: of every run of letters that have a case, the first in title case. */
export function pythonTitle(text: string): string {
  const lower = text.toLowerCase();
  let title = "";
  let at = 0;
  let isWithin = false;
  for (const character of text) {
    const end = at + character.toLowerCase().length;
    title += isWithin ? lower.slice(at, end) : titleCase(character);
    at = end;
    isWithin = /\p{Cased}/u.test(character);
  }
  return title;
}

/** A text as Jinja's filter `title`: in upper case at its start and after blanks, `-` and opening brackets. */
export function jinjaTitle(text: string): string {
  return text.replace(WORDS, (word) => {
    const [first = ""] = word;
    return first.toUpperCase() + word.slice(first.length).toLowerCase();
  });
}

const WORDS = new RegExp(`[^-({[<${WHITE_SPACE}]+`, "gu");

/** The part of a list that Python's `all[start:stop:step]` is; undefined stands for what is not given. */
export function pythonSlice<T>(
  all: readonly T[],
  [start, stop, step = 1]: readonly (number | undefined)[],
): T[] {
  if (step === 0) throw new RangeError("a slice of step 0");
  const [least, most] = step > 0 ? [0, all.length] : [-1, all.length - 1];
  const within = (index: number) =>
    Math.min(Math.max(index < 0 ? index + all.length : index, least), most);
  const [begin, end] = step > 0 ? [least, most] : [most, least];
  const last = stop === undefined ? end : within(stop);
  const part: T[] = [];
  for (
    let i = start === undefined ? begin : within(start);
    step > 0 ? i < last : i > last;
    i += step
  ) part.push(all[i]);
  return part;
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
