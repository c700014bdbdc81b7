import type { PromptRecord } from "../core/prompt_record.ts";
import type { Results } from "../core/results.ts";
import type { OriginatedAudit } from "./audit_tables.ts";
import type { Figure } from "./figure.ts";
import type { PaperTableId } from "./paper/paper_tables.ts";
import type { OriginatedReconciliation } from "./reconcile/reconciliation_tables.ts";
import type { ColumnSpec } from "./results_table.ts";
import type { ScoredTables } from "./score_tables.ts";
import type { ClaimTest } from "./verdict.ts";

/** All that a report is rendered from, and nothing that differs between two equal runs. */
export interface ReportInput {
  readonly title: string;
  /** The claim that the run is about, for a newcomer. */
  readonly claim: string;
  /** How the claim is held against the numbers; null leaves the answer out. */
  readonly test: ClaimTest | null;
  /** Sentences on what was run and what it cannot show. */
  readonly notes: readonly string[];
  readonly results: Results;
  /** The main table of results; a report of scores alone has none. */
  readonly table?: {
    readonly title: string;
    readonly columns: readonly ColumnSpec[];
    readonly rows?: readonly string[];
  };
  /** Tables of benchmarks, shown as they are. */
  readonly scores?: readonly ScoredTables[];
  /** What was judged, prompt by prompt. */
  readonly prompts?: readonly PromptRecord[];
  /** Printed numbers, each with a verdict. */
  readonly reconciliations?: readonly OriginatedReconciliation[];
  /** Tables of the paper to fill with the numbers of scores and results. */
  readonly paperTables?: readonly PaperTableId[];
  readonly figures: readonly Figure[];
  /** What the audits of the data found. */
  readonly audits: readonly OriginatedAudit[];
}

/** What stands before the claim: whether this run tests it. */
export function claimLabel({ test }: Pick<ReportInput, "test">): string {
  return test === null ? "The paper's claim, not tested by this run" : "The claim being tested";
}

/** What the reader of a report is told when the recipe says nothing else. */
export const CLAIM =
  "Adding the SFT loss on the chosen reply to DPO is implicitly an adversarial regulariser, so it " +
  "prevents over-optimisation.";
