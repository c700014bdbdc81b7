/**
 * Characters that act instead of showing: C0 and C1 controls (escape sequences of terminals), bidi
 * controls (they can make a text read as another one), zero-width and other format characters, line
 * separators, lone surrogates.
 */
// deno-lint-ignore no-control-regex
const ACTING = /[\u0000-\u001f\u007f-\u009f]|\p{Cf}|[\u2028\u2029]|\p{Cs}|[\ufffe\uffff]/gu;

/**
 * Untrusted text with every acting character written out (`\x1b`, `\u202e`), so that what a reader
 * sees is what the text holds. Ordinary letters of every script are left as they are.
 *
 * @param options.keepLines leaves line feeds and tabs in place, for renderers that lay lines out;
 * otherwise a line break becomes `⏎` and a tab a blank
 *
 * @example
 * ```ts
 * import { visibleText } from "./visible_text.ts";
 * if (visibleText("a\u001b[31mb\nc") !== "a\\x1b[31mb⏎c") throw new Error();
 * ```
 */
export function visibleText(text: string, options: { keepLines?: boolean } = {}): string {
  const lines = text.replace(/\r\n?/g, "\n");
  return lines.replace(ACTING, (character) => {
    if (character === "\n") return options.keepLines ? "\n" : "⏎";
    if (character === "\t") return options.keepLines ? "\t" : " ";
    return writtenOut(character.codePointAt(0) ?? 0);
  });
}

function writtenOut(code: number): string {
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}
