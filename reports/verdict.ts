import type { Comparison, Results, SystemResult } from "../core/results.ts";
import { InputError, nearest } from "../core/problem.ts";
import { formatInterval, formatNumber, formatPValue } from "./number_format.ts";
import { findComparison, type Outcome, outcomeOf } from "./outcome.ts";

/** Which systems of a run test the claim. */
export interface ClaimTest {
  /** The metric that decides. */
  readonly metric: string;
  /** Systems that the claim speaks of: DPO with the SFT term. */
  readonly methods: readonly string[];
  /** Those they must beat, with the role each plays. */
  readonly opponents: readonly {
    readonly system: string;
    /** How sentences name it: `DPO at its end`. */
    readonly as: string;
  }[];
  /** The plain method at its end and stopped in time: whether over-optimisation happened at all. */
  readonly overOptimised?: { readonly end: string; readonly stopped: string };
}

/** One method against one opponent. */
export interface Duel {
  readonly method: string;
  readonly opponent: string;
  readonly outcome: Outcome | "not compared";
  /** The numbers behind the outcome, as a sentence. */
  readonly why: string;
}

/** What a run says about the claim. */
export interface Verdict {
  readonly answer: "supported" | "supported in part" | "not supported" | "cannot be told apart";
  /** The answer as one sentence for a newcomer. */
  readonly headline: string;
  /** Further sentences: whether over-optimisation showed, the spread over seeds. */
  readonly sentences: readonly string[];
  readonly duels: readonly Duel[];
}

/**
 * What the numbers of a run say about the claim; every word is derived from them.
 *
 * Each method is held against each opponent (`outcomeOf`). The claim is *supported* when every method
 * is better than every opponent, *not supported* when none is better and one is worse, *cannot be told
 * apart* when none is better or worse, and *supported in part* otherwise. An opponent that the run
 * lacks leaves at best "in part".
 *
 * @throws InputError when the metric or a method is not in the results
 */
export function verdict(results: Results, test: ClaimTest): Verdict {
  checkTest(results, test);
  const duels = test.methods.flatMap((method) =>
    test.opponents.map((opponent) => duel(results, { test, method, opponent }))
  );
  const answer = judge(duels.map(({ outcome }) => outcome));
  return {
    answer,
    headline: headline(answer, duels),
    sentences: [...overOptimisation(results, test), ...spreads(results, test)],
    duels,
  };
}

function judge(outcomes: readonly Duel["outcome"][]): Verdict["answer"] {
  const better = outcomes.filter((outcome) => outcome === "better").length;
  const worse = outcomes.includes("worse");
  if (outcomes.length > 0 && better === outcomes.length) return "supported";
  if (better > 0) return "supported in part";
  return worse ? "not supported" : "cannot be told apart";
}

function headline(answer: Verdict["answer"], duels: readonly Duel[]): string {
  const openings: Readonly<Record<Verdict["answer"], string>> = {
    "supported": "Supported by this run.",
    "supported in part": "Supported in part by this run.",
    "not supported": "Not supported by this run.",
    "cannot be told apart": "This run cannot tell.",
  };
  const methods = [...new Set(duels.map(({ method }) => method))];
  const clauses = methods.map((method) => {
    const own = duels.filter((duel) => duel.method === method);
    const parts = (["better", "worse", "cannot be told apart", "not compared"] as const)
      .flatMap((outcome) => {
        const names = own.filter((duel) => duel.outcome === outcome)
          .map(({ opponent }) => opponent);
        return names.length === 0 ? [] : [phrase(outcome, names)];
      });
    return `${method} ${joined(parts)}.`;
  });
  return [openings[answer], ...clauses].join(" ");
}

function phrase(outcome: Duel["outcome"], names: readonly string[]): string {
  if (outcome === "better" || outcome === "worse") return `is ${outcome} than ${joined(names)}`;
  if (outcome === "not compared") return `was not compared with ${joined(names)}`;
  return `cannot be told apart from ${joined(names)}`;
}

function joined(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}

function duel(
  results: Results,
  of: { test: ClaimTest; method: string; opponent: ClaimTest["opponents"][number] },
): Duel {
  const names = { method: labelOf(results, of.method), opponent: of.opponent.as };
  const metric = of.test.metric;
  const comparison = findComparison(results, { a: of.method, b: of.opponent.system, metric });
  if (comparison === null) {
    return { ...names, outcome: "not compared", why: "This run holds no such comparison." };
  }
  return { ...names, outcome: outcomeOf(results, comparison), why: numbers(results, comparison) };
}

function numbers(results: Results, { metric, difference, pValue }: Comparison): string {
  const { label, digits } = results.metrics[metric];
  const interval = difference.ci95 === null
    ? ""
    : `, 95% interval ${formatInterval(difference.ci95, digits)} (${difference.method})`;
  const p = formatPValue(pValue);
  return `Difference of ${label}: ${formatNumber(difference.mean, digits)}${interval}; ` +
    `p ${p.startsWith("<") ? p : `= ${p}`}, n ${difference.n}.`;
}

/** Whether there was anything to prevent: the plain method at its end against the same, stopped in time. */
function overOptimisation(results: Results, test: ClaimTest): string[] {
  if (test.overOptimised === undefined) return [];
  const { end, stopped } = test.overOptimised;
  const comparison = findComparison(results, { a: end, b: stopped, metric: test.metric });
  if (comparison === null) return [];
  const outcome = outcomeOf(results, comparison);
  const [a, b] = [labelOf(results, end), labelOf(results, stopped)];
  const why = numbers(results, comparison);
  if (outcome === "worse") {
    return [`Over-optimisation showed: ${a} at its end is worse than ${b}. ${why}`];
  }
  return [
    `Over-optimisation did not show beyond doubt: ${a} at its end ` +
    `${outcome === "better" ? "is better than" : "cannot be told apart from"} ${b}, so there was ` +
    `little to prevent. ${why}`,
  ];
}

/** Range over seeds of each system in the test, because a collapse of one seed hides in a mean. */
function spreads(results: Results, test: ClaimTest): string[] {
  const ids = [...test.methods, ...test.opponents.map(({ system }) => system)];
  const { label, digits } = results.metrics[test.metric];
  const parts = [...new Set(ids)].flatMap((id) => {
    const seeds = systemOf(results, id)?.metrics[test.metric]?.perSeed ?? [];
    if (seeds.length < 2) return [];
    const [low, high] = [Math.min(...seeds), Math.max(...seeds)];
    return [
      `${labelOf(results, id)} ${formatNumber(low, digits)} to ${formatNumber(high, digits)}`,
    ];
  });
  return parts.length === 0
    ? []
    : [`${label} from the worst to the best seed: ${parts.join("; ")}.`];
}

function systemOf(results: Results, id: string): SystemResult | undefined {
  return results.systems.find((system) => system.id === id);
}

function labelOf(results: Results, id: string): string {
  return systemOf(results, id)?.label ?? id;
}

function checkTest(results: Results, test: ClaimTest): void {
  const systems = results.systems.map(({ id }) => id);
  const metrics = Object.keys(results.metrics);
  const problems = test.methods.filter((id) => !systems.includes(id)).map((id) => ({
    path: "claim.methods",
    message: `No system is called "${id}" in the results. Known: ${systems.join(", ")}.`,
    nearest: nearest(id, systems),
  }));
  if (!metrics.includes(test.metric)) {
    problems.push({
      path: "claim.metric",
      message: `No metric is called "${test.metric}" in the results. Known: ${metrics.join(", ")}.`,
      nearest: nearest(test.metric, metrics),
    });
  }
  if (problems.length > 0) throw new InputError(problems);
}
