import type { PromptRecord } from "./prompt_record.ts";
import type { Spread } from "./spread.ts";

/** A mean with its uncertainty. Rates are percent, 0–100. */
export interface Estimate {
  readonly mean: number;
  /** 95% interval; null where nothing supports one. */
  readonly ci95: readonly [number, number] | null;
  /** How the interval was made: `t over 3 seeds`, `bootstrap over 200 prompts`. */
  readonly method: string;
  /** Items (prompts or pairs) behind the mean, all seeds together. */
  readonly n: number;
  /** Distinct prompts among the items; items of one prompt are not independent. */
  readonly clusters: number;
  /** The mean of each seed, in the order of `Results.seeds`; null for a seed that lacks it. */
  readonly perSeed: readonly (number | null)[];
}

/** What a measured quantity is. */
export interface Metric {
  readonly label: string;
  /** `percent`, `nats`, `tokens`, `reward`. */
  readonly unit: string;
  /** Which way is better; null where neither is. */
  readonly better: "higher" | "lower" | null;
  readonly describe: string;
  /** Digits after the point in tables. */
  readonly digits: number;
}

/** One row of a table: a trained system, all its seeds together. */
export interface SystemResult {
  /** `ref`, `dpo`, `dpo-stopped`, `rpo-sum`. */
  readonly id: string;
  readonly label: string;
  readonly metrics: Readonly<Record<string, Estimate>>;
  /** The stage instances that these numbers came from, with the digest of what they gave. */
  readonly origins: readonly { readonly instance: string; readonly digest: string }[];
}

/** System `a` against system `b` on the same prompts. */
export interface Comparison {
  readonly a: string;
  readonly b: string;
  readonly metric: string;
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  /** 100 · (wins + ties/2) / n. */
  readonly winRate: Estimate;
  /** Paired mean difference a − b, in the metric's unit. */
  readonly difference: Estimate;
  /** Two-sided paired permutation test over prompts, seeds pooled. */
  readonly pValue: number;
}

/** A quantity along training, one system and one seed. */
export interface Curve {
  readonly system: string;
  readonly label: string;
  readonly seed: number;
  /** Names of the columns of `points` after the step. */
  readonly points: readonly {
    readonly step: number;
    readonly values: Readonly<Record<string, number>>;
  }[];
}

/** All that a report shows in numbers: made by `eval/compare.ts`, read by `reports/`. */
export interface Results {
  readonly seeds: readonly number[];
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly systems: readonly SystemResult[];
  readonly comparisons: readonly Comparison[];
  readonly curves: readonly Curve[];
  /** How long replies are, in tokens, by system; absent where none were measured. */
  readonly replyLengths?: Readonly<Record<string, Spread>>;
  /** Sentences that a reader must see beside the table. */
  readonly notes: readonly string[];
  /** Some replies side by side: one prompt, what each system said, with its score. */
  readonly examples: readonly PromptRecord[];
}

/** The results of a report that shows none. */
export const NO_RESULTS: Results = {
  seeds: [],
  metrics: {},
  systems: [],
  comparisons: [],
  curves: [],
  notes: [],
  examples: [],
};
