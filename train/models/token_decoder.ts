/**
 * A language model that continues a batch of token sequences and remembers what it has seen.
 * B rows, V tokens of vocabulary. One owner drives it, one call at a time; `prefill` starts afresh.
 */
export interface TokenDecoder {
  /** V: how many logits a row has. */
  readonly vocabSize: number;
  /** Floats that one position of one row takes in the cache, all layers together. */
  readonly cacheFloats: number;

  /**
   * Reads B prompts of equal length and forgets what was read before.
   *
   * @returns logits (B, V), row-major: what follows each prompt's last token
   * @throws RangeError when there is no prompt, lengths differ, or a prompt is empty
   * @throws InputError when prompts are longer than the model's sliding window
   */
  prefill(prompts: readonly Int32Array[]): Promise<Float32Array>;

  /**
   * Appends one token (B) to each row.
   *
   * @returns logits (B, V), row-major: what follows that token; valid until the next call
   * @throws RangeError when the number of tokens is not the number of rows
   * @throws InputError when the rows would grow past the model's sliding window
   */
  step(tokens: Int32Array): Promise<Float32Array>;

  /**
   * Keeps only these rows, in this order; the others are finished. A row may be given more than
   * once, as when one prompt is continued in several ways.
   *
   * @throws RangeError for a row that is not in the batch
   */
  keep(rows: readonly number[]): void;

  /** Frees the session and the cache; the decoder is of no use afterwards. */
  release(): Promise<void>;
}
