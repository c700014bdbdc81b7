import type { TokenizedRow } from "./tokenize.ts";

/** How lengths are distributed; quantiles are the smallest value that at least so many reach. */
export interface LengthDistribution {
  readonly min: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

const PARTS = ["prompt", "chosen", "rejected"] as const;

/** Lengths of a set in tokens, before truncation and after; null where there are none. */
export type SetLengths = {
  readonly [When in "before" | "after"]: {
    readonly [Part in (typeof PARTS)[number]]: LengthDistribution | null;
  };
};

/** Gathers how long the parts of a set's pairs are. */
export class LengthsOfSet {
  readonly #before = { prompt: [] as number[], chosen: [] as number[], rejected: [] as number[] };
  readonly #after = { prompt: [] as number[], chosen: [] as number[], rejected: [] as number[] };

  /** Takes a row in. */
  add({ before, ...row }: TokenizedRow): void {
    for (const part of PARTS) {
      const [lengthBefore, ids] = [before[part], row[part]];
      if (lengthBefore !== null) this.#before[part].push(lengthBefore);
      if (ids !== null) this.#after[part].push(ids.length);
    }
  }

  /** What was gathered. */
  summary(): SetLengths {
    const parts = (
      { prompt, chosen, rejected }: Record<(typeof PARTS)[number], readonly number[]>,
    ) => ({
      prompt: distribution(prompt),
      chosen: distribution(chosen),
      rejected: distribution(rejected),
    });
    return { before: parts(this.#before), after: parts(this.#after) };
  }
}

function distribution(lengths: readonly number[]): LengthDistribution | null {
  if (lengths.length === 0) return null;
  const sorted = Float64Array.from(lengths).sort();
  const quantile = (q: number) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  return {
    min: sorted[0],
    median: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    max: sorted[sorted.length - 1],
    mean: sorted.reduce((sum, length) => sum + length, 0) / sorted.length,
  };
}
