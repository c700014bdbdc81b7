/** A preference pair as text: `{prompt, chosen, rejected}` of plain strings. */
export interface PreferencePair {
  /** Stable id within its source, such as `train_prefs.jsonl:17`. */
  readonly id: string;
  readonly prompt: string;
  readonly chosen: string;
  /** Absent for demonstrations, which have only one reply. */
  readonly rejected?: string;
}

/** A preference pair as token ids, after truncation; the reply follows the prompt directly. */
export interface TokenizedPair {
  readonly id: string;
  readonly prompt: Int32Array;
  readonly chosen: Int32Array;
  /** `null` for demonstrations. */
  readonly rejected: Int32Array | null;
}
