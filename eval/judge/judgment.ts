import { ExpectedError } from "../../core/problem.ts";
import { itemKey, itemLabel, type JudgedItem } from "./judged_item.ts";
import type { VerdictRule } from "./verdict.ts";

/** What a judge said of an item once: in one order, under one seed. */
export interface Judgment {
  readonly id: string;
  readonly turn: number;
  /** Whether the judge was shown the second system's answer first. */
  readonly swapped: boolean;
  readonly seed: number | null;
  /** The template's name. */
  readonly template: string;
  /** Digest of the request, under which the raw answer is kept; null where nobody was asked. */
  readonly request: string | null;
  /** What the user's message to the judge was. */
  readonly prompt: string;
  /** The endpoint's answer as it came; null when it failed, or nobody was asked. */
  readonly raw: string | null;
  readonly state: "scored" | "unparseable" | "failed";
  /**
   * Of a single answer, the rating (1–10); of a pair, the credit of the second system, from 0 (the first
   * is better) to 1, whatever the order shown. Null unless scored.
   */
  readonly value: number | null;
  /** Why it is not scored. */
  readonly reason: string | null;
}

/** How many judgments came to what. */
export interface Coverage {
  readonly all: number;
  readonly scored: number;
  readonly unparseable: number;
  readonly failed: number;
  /** Of the scored ones, those that nobody was asked for: ties of equal answers, and what gold decided. */
  readonly unasked: number;
}

/** All judgments of one system, or of one against another. */
export interface Judged {
  readonly kind: "pair" | "single";
  /** Names of the systems: one, or the baseline's and the judged one's. */
  readonly systems: readonly string[];
  /** The judge's name. */
  readonly judge: string;
  /** How verdicts were read; `gold` where a known reward decided and nobody was asked. */
  readonly rule: VerdictRule | { readonly kind: "gold" };
  /** Digests of the templates by name. */
  readonly templates: Readonly<Record<string, string>>;
  readonly coverage: Coverage;
  readonly items: readonly JudgedItem[];
  /** In the order of the items; of one item by seed, then order. */
  readonly judgments: readonly Judgment[];
}

/** Counts judgments by what they came to. */
export function countJudgments(judgments: readonly Judgment[]): Coverage {
  const count = (state: Judgment["state"]) =>
    judgments.filter((judgment) => judgment.state === state).length;
  return {
    all: judgments.length,
    scored: count("scored"),
    unparseable: count("unparseable"),
    failed: count("failed"),
    unasked: judgments.filter(({ request }) => request === null).length,
  };
}

/** What tables count: an item under one seed, whose every order is scored. */
export interface WholeCoverage {
  readonly all: number;
  readonly whole: number;
  /** Whether there are several judgments to one. */
  readonly inBothOrders: boolean;
}

/** Counts what is judged by whether each of its orders is scored. */
export function countWhole(judgments: readonly Judgment[]): WholeCoverage {
  const groups = [
    ...Map.groupBy(judgments, (judgment) => `${judgment.seed} ${itemKey(judgment)}`).values(),
  ];
  const isScored = ({ state }: Judgment) => state === "scored";
  return {
    all: groups.length,
    whole: groups.filter((group) => group.every(isScored)).length,
    inBothOrders: groups.some(({ length }) => length > 1),
  };
}

/**
 * Refuses judgments of which too few are scored. What tables count is counted: a pair that is judged in
 * both orders is whole where both are scored.
 *
 * @param least share of all, from 0 to 1
 * @throws ExpectedError with the counts and the first of those that are not scored
 */
export function requireCoverage({ coverage, judgments }: Judged, least: number): void {
  const { all, whole, inBothOrders } = countWhole(judgments);
  if (whole >= least * all) return;
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  const lacking = judgments.filter(({ state }) => state !== "scored").slice(0, 5);
  const what = inBothOrders ? "pairs to be scored in both orders" : "judgments to be scored";
  throw new ExpectedError(
    [
      `Expected at least ${percent(least)} of the ${what} but found ${percent(whole / all)}: ${
        describeCoverage(coverage)
      }. The first of the others:`,
      ...lacking.map((judgment) =>
        `  ${itemLabel(judgment)}${
          judgment.swapped ? ", swapped" : ""
        }: ${judgment.state}, ${judgment.reason}`
      ),
    ].join("\n"),
  );
}

/** `158 of 160 judgments scored, 1 unparseable, 1 failed; 2 are ties of equal answers, not asked about`. */
export function describeCoverage(
  { all, scored, unparseable, failed, unasked }: Coverage,
): string {
  const ties = unasked === 0 ? "" : `; ${unasked} are ties of equal answers, not asked about`;
  return `${scored} of ${all} judgments scored, ${unparseable} unparseable, ${failed} failed${ties}`;
}
