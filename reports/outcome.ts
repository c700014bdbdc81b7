import type { Comparison, Estimate, Results } from "../core/results.ts";

/** How one system stands to another. */
export type Outcome = "better" | "worse" | "cannot be told apart";

/**
 * How system `a` of a comparison stands to `b`: better or worse when the 95% interval of the paired
 * difference leaves out zero, on the side that the metric prefers; else the two cannot be told apart.
 * The interval is over seeds where there are several, so it covers training again; the p-value, which
 * is given the trained models, does not decide. Nothing is better where the metric has no direction.
 */
export function outcomeOf(results: Results, { metric, difference }: Comparison): Outcome {
  const { better } = results.metrics[metric];
  if (better === null || difference.ci95 === null) return "cannot be told apart";
  const [low, high] = difference.ci95;
  if (low <= 0 && high >= 0) return "cannot be told apart";
  return (low > 0) === (better === "higher") ? "better" : "worse";
}

/** The comparison of `a` with `b` on a metric, turned round where the results hold `b` against `a`. */
export function findComparison(
  results: Results,
  query: { readonly a: string; readonly b: string; readonly metric: string },
): Comparison | null {
  const { a, b, metric } = query;
  const own = results.comparisons.filter((comparison) => comparison.metric === metric);
  const direct = own.find((comparison) => comparison.a === a && comparison.b === b);
  if (direct !== undefined) return direct;
  const reverse = own.find((comparison) => comparison.a === b && comparison.b === a);
  return reverse === undefined ? null : turned(reverse);
}

function turned(comparison: Comparison): Comparison {
  return {
    ...comparison,
    a: comparison.b,
    b: comparison.a,
    wins: comparison.losses,
    losses: comparison.wins,
    winRate: mapEstimate(comparison.winRate, (rate) => 100 - rate),
    difference: mapEstimate(comparison.difference, (difference) => -difference),
  };
}

/** An estimate under a decreasing map: the interval's ends change places. */
function mapEstimate(estimate: Estimate, map: (value: number) => number): Estimate {
  return {
    ...estimate,
    mean: map(estimate.mean),
    ci95: estimate.ci95 && [map(estimate.ci95[1]), map(estimate.ci95[0])],
    perSeed: estimate.perSeed.map((value) => value === null ? null : map(value)),
  };
}
