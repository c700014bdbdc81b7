/** One number of a score table. Rates are percent, 0–100. */
export interface Score {
  readonly value: number;
  /** 95% interval; null where nothing supports one. */
  readonly ci95: readonly [number, number] | null;
  /** What was judged and stands behind the number; null where counting makes no sense. */
  readonly n: number | null;
}

/** What a column of a score table holds. */
export interface ScoreColumn {
  /** The name that rows keep its numbers under. */
  readonly id: string;
  readonly label: string;
  /** Heading shared with neighbouring columns. */
  readonly group?: string;
  /** True where it is one of the parts that make up the benchmark, such as a category. */
  readonly part?: true;
  /** `%`, `characters`; null for counts and grades. */
  readonly unit: string | null;
  readonly better: "higher" | "lower" | null;
  /** Digits after the point in tables. */
  readonly digits: number;
}

/** One system, or one against another. */
export interface ScoreRow {
  readonly id: string;
  readonly label: string;
  /** By the columns' ids; null, or absent, where the files do not tell. */
  readonly values: Readonly<Record<string, Score | null>>;
  /** What a reader of this row must know; null for nothing. */
  readonly note: string | null;
}

/** What a benchmark's judgments come to: made by `eval/`, shown by `reports/`. */
export interface ScoreTable {
  /** Distinct among the tables of one benchmark. */
  readonly id: string;
  readonly title: string;
  /** What the rows are: `Model`. */
  readonly heading: string;
  /** Sentences below the table: what the numbers are and how intervals were made. */
  readonly caption: string;
  readonly columns: readonly ScoreColumn[];
  readonly rows: readonly ScoreRow[];
}

/** A number without an interval; null stays null. */
export function plainScore(value: number | null | undefined): Score | null {
  return value === null || value === undefined ? null : { value, ci95: null, n: null };
}
