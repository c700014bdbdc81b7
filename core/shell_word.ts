/**
 * A word of a command as a POSIX shell reads it: plain where it can be, else in single quotes.
 *
 * @example
 * ```ts
 * import { shellWord } from "./shell_word.ts";
 * if (shellWord("train.beta=0.2") !== "train.beta=0.2") throw new Error();
 * if (shellWord("it's") !== `'it'\\''s'`) throw new Error();
 * ```
 */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_.:@=,/+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
