import type { Comparison, Results, SystemResult } from "../core/results.ts";
import { InputError, nearest, type Problem } from "../core/problem.ts";
import { formatInterval, formatNumber, formatPValue } from "./number_format.ts";
import { findComparison, type Outcome, outcomeOf } from "./outcome.ts";

/** Which systems of a run test the claim. */
export interface ClaimTest {
  /** The metric that decides. */
  readonly metric: string;
  /** Systems that the claim speaks of: DPO with the SFT term. */
  readonly methods: readonly string[];
  /** Those they must beat, with the role each plays; first the one that the claim itself names. */
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
  /** Method minus opponent; null where the run holds no such comparison. */
  readonly comparison: Comparison | null;
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
 * is better than every opponent; *supported in part* when some method is better than the first
 * opponent, which the claim names; else *not supported* when some method is worse than an opponent, and
 * *cannot be told apart* when none is. An opponent that the run lacks leaves at best "in part". With one
 * seed the headline begins by saying so: no interval covers training again.
 *
 * @throws InputError naming every metric and system of the test that the results lack
 */
export function verdict(results: Results, test: ClaimTest): Verdict {
  checkTest(results, test);
  const duels = test.methods.flatMap((method) =>
    test.opponents.map((opponent) => duel(results, { test, method, opponent }))
  );
  const answer = judge(duels, test.opponents[0]?.as);
  return {
    answer,
    headline: headline(results, test, { answer, duels }),
    sentences: [...overOptimisation(results, test), ...spreads(results, test)],
    duels,
  };
}

function judge(duels: readonly Duel[], first: string | undefined): Verdict["answer"] {
  const better = duels.filter(({ outcome }) => outcome === "better");
  if (duels.length > 0 && better.length === duels.length) return "supported";
  if (better.some(({ opponent }) => opponent === first)) return "supported in part";
  const worse = duels.some(({ outcome }) => outcome === "worse");
  return worse ? "not supported" : "cannot be told apart";
}

const OPENINGS: Readonly<Record<Verdict["answer"], string>> = {
  "supported": "Supported by this run.",
  "supported in part": "Supported in part by this run.",
  "not supported": "Not supported by this run.",
  "cannot be told apart": "This run cannot tell.",
};

/** The answer, then how each method fared; methods that fared alike share a clause. */
function headline(
  results: Results,
  { metric }: ClaimTest,
  { answer, duels }: Pick<Verdict, "answer" | "duels">,
): string {
  const methodsByClause = new Map<string, string[]>();
  for (const method of new Set(duels.map(({ method }) => method))) {
    const clause = clauseOf(duels.filter((duel) => duel.method === method));
    methodsByClause.set(clause, [...(methodsByClause.get(clause) ?? []), method]);
  }
  const clauses = [...methodsByClause].map(([clause, methods]) => `${joined(methods)}: ${clause}.`);
  const opening = results.seeds.length > 1
    ? OPENINGS[answer]
    : `One seed, these trained models only: ${OPENINGS[answer].toLowerCase()}`;
  return [opening, `By ${results.metrics[metric].label},`, ...clauses].join(" ");
}

const WORDS: Readonly<Record<Duel["outcome"], string>> = {
  "better": "better than",
  "worse": "worse than",
  "cannot be told apart": "cannot be told apart from",
  "not compared": "not compared with",
};

function clauseOf(duels: readonly Duel[]): string {
  return (Object.keys(WORDS) as Duel["outcome"][]).flatMap((outcome) => {
    const names = duels.filter((duel) => duel.outcome === outcome).map(({ opponent }) => opponent);
    return names.length === 0 ? [] : [`${WORDS[outcome]} ${joined(names)}`];
  }).join("; ");
}

function joined(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}

function duel(
  results: Results,
  of: { test: ClaimTest; method: string; opponent: ClaimTest["opponents"][number] },
): Duel {
  const { system, as: opponent } = of.opponent;
  const method = labelOf(results, of.method);
  const comparison = findComparison(results, { a: of.method, b: system, metric: of.test.metric });
  const outcome = comparison === null ? "not compared" : outcomeOf(results, comparison);
  return { method, opponent, outcome, comparison };
}

function numbers(results: Results, { metric, difference, pValue }: Comparison): string {
  const { label, digits } = results.metrics[metric];
  const interval = difference.ci95 === null
    ? ""
    : `, 95% interval ${formatInterval(difference.ci95, digits)} (${difference.method})`;
  const p = formatPValue(pValue);
  return `Difference of ${label}: ${formatNumber(difference.mean, digits)}${interval}; ` +
    `p ${p.startsWith("<") ? p : `= ${p}`} over prompts, n ${difference.n}.`;
}

/** Whether there was anything to prevent: the plain method at its end against the same, stopped in time. */
function overOptimisation(results: Results, test: ClaimTest): string[] {
  if (test.overOptimised === undefined) return [];
  const { end, stopped } = test.overOptimised;
  const comparison = findComparison(results, { a: end, b: stopped, metric: test.metric });
  if (comparison === null) return [];
  const [a, b] = [`${labelOf(results, end)} at its end`, labelOf(results, stopped)];
  const sentences: Readonly<Record<Outcome, string>> = {
    "worse": `Over-optimisation showed: ${a} is worse than ${b}.`,
    "better": `Over-optimisation did not show: ${a} is better than ${b}.`,
    "cannot be told apart":
      `Whether there was over-optimisation to prevent, this run cannot tell: ${a} cannot be told ` +
      `apart from ${b}.`,
  };
  return [`${sentences[outcomeOf(results, comparison)]} ${numbers(results, comparison)}`];
}

/** Range over seeds of each system in the test, because a collapse of one seed hides in a mean. */
function spreads(results: Results, test: ClaimTest): string[] {
  const ids = [...test.methods, ...test.opponents.map(({ system }) => system)];
  const { label, digits } = results.metrics[test.metric];
  const parts = [...new Set(ids)].flatMap((id) => {
    const seeds = (systemOf(results, id)?.metrics[test.metric]?.perSeed ?? [])
      .filter((value) => value !== null);
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
  const problems: Problem[] = [];
  const check = (path: string, name: string, known: readonly string[]) => {
    if (known.includes(name)) return;
    problems.push({
      path,
      message: `"${name}" is not in the results. Known: ${known.join(", ")}.`,
      nearest: nearest(name, known),
    });
  };
  check("test.metric", test.metric, metrics);
  test.methods.forEach((id, i) => check(`test.methods[${i}]`, id, systems));
  test.opponents.forEach(({ system }, i) => check(`test.opponents[${i}].system`, system, systems));
  for (const [role, id] of Object.entries(test.overOptimised ?? {})) {
    check(`test.overOptimised.${role}`, id, systems);
  }
  if (problems.length > 0) throw new InputError(problems);
}
