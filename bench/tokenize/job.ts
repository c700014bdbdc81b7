/** What a worker is asked to do; it gets this as its only argument, as JSON. */
export interface TokenizeJob {
  /** Ballast: a folder with pairs.jsonl; datasets: a file of rows {prompt, chosen, rejected}. */
  readonly pairs: string;
  /** Folder with tokenizer.json and its chat template. */
  readonly tokenizer: string;
  readonly maxLength: number;
  readonly maxPromptLength: number;
  /** An empty folder for what is written. */
  readonly work: string;
  /** Times that the cache is read again. */
  readonly reads: number;
}

/** What a worker prints as the last line of its output. */
export interface TokenizeResult {
  readonly rows: number;
  /** Of prompts, chosen and rejected replies, after truncation. */
  readonly tokens: number;
  /** The sum of all token ids, so that equal work can be told. */
  readonly sum: number;
  /** Seconds until the tokens are on disk: Ballast's from opening the tokenizer on, of datasets `map` alone. */
  readonly tokenizeSeconds: number;
  /** Seconds that opening the tokenizer and reading the texts took before; 0 where they are in the above. */
  readonly openSeconds: number;
  /** Seconds of opening the cache and reading all tokens, once for each way of reading and each time. */
  readonly readSeconds: Readonly<Record<string, readonly number[]>>;
  /** Seconds a pass of opening the cache once and going through it as often, by way of reading. */
  readonly epochSeconds: Readonly<Record<string, number>>;
  /** VmHWM */
  readonly peakBytes: number;
}
