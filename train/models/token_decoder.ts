import type { TokenIds } from "../../data/pair.ts";

/**
 * A language model that continues token sequences, a row each, and remembers what it has read. V tokens
 * of vocabulary. Rows are numbered from 0, come and go, and never affect each other: on a processor in
 * float32 a row's logits are the same to the last bit whatever is decoded beside it; on a GPU, or with
 * layers in 16 bits, last bits may differ. One owner drives it, one call at a time.
 */
export interface TokenDecoder {
  /** V: how many logits a row has. */
  readonly vocabSize: number;
  /** Floats that one position of one row takes in the cache, all layers together. */
  readonly cacheFloats: number;

  /**
   * Foretells how many rows there will be at once, and how many tokens each may come to: room is then
   * made once. What it is not told of, it makes room for as it comes.
   */
  reserve(room: { readonly rows: number; readonly positions: number }): void;

  /**
   * Reads prompts of equal length as new rows, behind those there are. An array that is given more than
   * once, as when one prompt is continued in several ways, is read once.
   *
   * @returns logits (prompts, V), row-major: what follows each prompt's last token
   * @throws RangeError when there is no prompt, lengths differ, or a prompt is empty
   * @throws InputError when prompts are longer than the model's sliding window
   */
  add(prompts: readonly TokenIds[]): Promise<Float32Array>;

  /**
   * Appends one token to each row.
   *
   * @returns logits (rows, V), row-major: what follows that token; valid until the next call
   * @throws RangeError when the number of tokens is not the number of rows, or there are none
   * @throws InputError when a row would grow past the model's sliding window
   */
  step(tokens: Int32Array): Promise<Float32Array>;

  /**
   * Ends a row; the last row takes its number.
   *
   * @throws RangeError when there is no such row
   */
  drop(row: number): void;

  /** Ends all rows. */
  clear(): void;

  /** Frees the session and the cache; the decoder is of no use afterwards. */
  release(): Promise<void>;
}
