/** What a worker is asked to do; it gets this as its only argument, as JSON. */
export interface GenerateJob {
  /** A Hugging Face folder. */
  readonly model: string;
  /** Token ids, all of one length. */
  readonly prompts: readonly (readonly number[])[];
  /** Tokens that each reply gets; nothing ends it sooner. */
  readonly newTokens: number;
  readonly threads: number;
  /** Times that all is generated, after one that is not counted. */
  readonly times: number;
}

/** What a worker prints as the last line of its output. */
export interface GenerateResult {
  /** From prompts to the last token, once for each time. */
  readonly seconds: readonly number[];
  /** The replies, greedily decoded. */
  readonly replies: readonly (readonly number[])[];
  /** VmHWM */
  readonly peakBytes: number;
}
