/** What processes train together, to be measured. */
export interface MpiJob {
  readonly processes: number;
  /** Rank of an adapter; null for all weights. */
  readonly lora: number | null;
  readonly batchPairs: number;
  /** Tokens of a prompt with its reply. */
  readonly length: number;
  readonly steps: number;
  /** Steps before those that count. */
  readonly warmupSteps: number;
  readonly threads: number;
  readonly model: "135m" | "small";
}

/** What a job took. */
export interface MpiFigures {
  /** Seconds of each step that counts. */
  readonly seconds: readonly number[];
  /** Of each process, in bytes. */
  readonly peakBytes: readonly number[];
  /** Loss of the last step: that of all numbers of processes but for rounding. */
  readonly loss: number;
}
