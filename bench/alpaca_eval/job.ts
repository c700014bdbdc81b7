/** What a worker is asked to score; it gets this as its only argument, as JSON. */
export interface ScoreJob {
  readonly annotations: string;
  readonly difficulty: string;
  readonly gamed: string;
  /** Times that the rows are scored, one after the other. */
  readonly times: number;
}

/** What a worker prints as the last line of its output. */
export interface ScoreResult {
  readonly winRate: number;
  readonly standardError: number;
  /** Difficulty by position, as alpaca_eval has it. */
  readonly lengthControlledWinRate: number;
  /** From rows in memory to all figures, each time. */
  readonly scoreSeconds: readonly number[];
}
