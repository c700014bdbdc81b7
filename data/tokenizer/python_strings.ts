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
