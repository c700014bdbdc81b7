import { findingSentences, reconciliationSummary } from "./reconcile/reconciliation_tables.ts";
import type { ReportInput } from "./report_input.ts";
import type { Verdict } from "./verdict.ts";

/** What a report says first: how the claim fares, else how printed numbers do; null where it tests neither. */
export function reportHeadline(
  { reconciliations = [] }: Pick<ReportInput, "reconciliations">,
  judged: Verdict | null,
): string | null {
  if (judged !== null) return judged.headline;
  return reconciliations.length === 0 ? null : reconciliations.map(reconciliationSummary).join(" ");
}

/** What disagrees with printed numbers, a sentence each; how many are met, where no headline says it. */
export function reportFindings(
  { reconciliations = [] }: Pick<ReportInput, "reconciliations">,
  judged: Verdict | null,
): string[] {
  return [
    ...(judged === null ? [] : reconciliations.map(reconciliationSummary)),
    ...reconciliations.flatMap(findingSentences),
  ];
}

/** Sentences beside the tables: how the answer follows, what was run and what it cannot show. */
export function reportSentences(
  { results, notes }: Pick<ReportInput, "results" | "notes">,
  judged: Verdict | null,
): string[] {
  return [...(judged?.sentences ?? []), ...results.notes, ...notes];
}
