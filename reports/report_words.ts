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

/** Sentences beside the tables: how the answer follows, what disagrees, what was run and what it cannot show. */
export function reportSentences(
  { results, notes, reconciliations = [] }: Pick<
    ReportInput,
    "results" | "notes" | "reconciliations"
  >,
  judged: Verdict | null,
): string[] {
  const summaries = judged === null ? [] : reconciliations.map(reconciliationSummary);
  return [
    ...(judged?.sentences ?? []),
    ...summaries,
    ...reconciliations.flatMap(findingSentences),
    ...results.notes,
    ...notes,
  ];
}
