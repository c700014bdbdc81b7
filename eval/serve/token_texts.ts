/** What a decoder writes for bytes that are no character, or not yet a whole one. */
const REPLACEMENT = "\ufffd";

/**
 * Turns tokens into text as they come: what each adds. Several tokens may make one character, so
 * nothing is given out while the text ends in an unfinished one; and a token's text may hang on the one
 * before it (a blank between words), so the last tokens that were given out are decoded again with it.
 *
 * @example
 * ```ts
 * import { TokenTexts } from "./token_texts.ts";
 * const words = ["a", "b"];
 * const texts = new TokenTexts((ids) => ids.map((id) => words[id]).join(" "));
 * if (texts.push(0) + texts.push(1) !== "a b") throw new Error();
 * ```
 */
export class TokenTexts {
  #ids: number[] = [];
  /** How many of `#ids` have been given out. */
  #given = 0;

  constructor(private readonly decode: (ids: readonly number[]) => string) {}

  /** The text that can be given out now that a token has come. */
  push(token: number): string {
    this.#ids.push(token);
    const text = this.#rest();
    if (text === "" || text.endsWith(REPLACEMENT)) return "";
    this.#ids = this.#ids.slice(this.#given);
    this.#given = this.#ids.length;
    return text;
  }

  /** What is left, when no more tokens come. */
  flush(): string {
    const text = this.#rest();
    this.#given = this.#ids.length;
    return text;
  }

  #rest(): string {
    const before = this.decode(this.#ids.slice(0, this.#given));
    return this.decode(this.#ids).slice(before.length);
  }
}
