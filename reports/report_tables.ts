import { auditTables } from "./audit_tables.ts";
import { comparisonsTable } from "./comparisons_table.ts";
import { fillPaperTable } from "./paper/fill_paper_table.ts";
import { reconciliationTables } from "./reconcile/reconciliation_tables.ts";
import type { ReportInput } from "./report_input.ts";
import { type ColumnSpec, resultsTable } from "./results_table.ts";
import { metricsTable } from "./metrics_table.ts";
import { scoreTable } from "./score_tables.ts";
import { seedsTable } from "./seeds_table.ts";
import { duelsTable } from "./duels_table.ts";
import type { Table } from "./table.ts";
import type { Verdict } from "./verdict.ts";

/** The tables of a report, which every format shows. */
export interface ReportTables {
  /** As `mainTables` has them. */
  readonly main: readonly Table[];
  /** How the verdict follows; null where there is none. */
  readonly duels: Table | null;
  readonly comparisons: readonly Table[];
  /** Null where there are no results. */
  readonly seeds: Table | null;
  /** Everything measured, on which the others draw; null where there are no results. */
  readonly metrics: Table | null;
  /** What the audits found, and of which sets. */
  readonly audits: readonly Table[];
}

/**
 * Makes a report's tables from its input.
 *
 * @throws InputError naming every unknown metric and system of the table's columns
 */
export function reportTables(input: ReportInput, judged: Verdict | null): ReportTables {
  const { results, table, test } = input;
  const compared = [...new Set(results.comparisons.map(({ metric }) => metric))];
  return {
    main: mainTables(input),
    duels: judged === null || test === null ? null : duelsTable(judged.duels, results, test.metric),
    comparisons: compared.map((metric) => comparisonsTable(results, metric)),
    seeds: table === undefined ? null : seedsTable(results, metricsOf(table.columns, compared)),
    metrics: table === undefined ? null : metricsTable(results),
    audits: auditTables(input.audits),
  };
}

/**
 * What a report is about: the main table of its results, printed numbers with their verdicts, the paper's
 * tables filled anew, and those of scores; each where there is one.
 *
 * @throws InputError naming every unknown metric and system of the table's columns
 */
export function mainTables(
  { results, table, scores = [], reconciliations = [], paperTables = [] }: Pick<
    ReportInput,
    "results" | "table" | "scores" | "reconciliations" | "paperTables"
  >,
): Table[] {
  return [
    ...(table === undefined ? [] : [resultsTable(results, table)]),
    ...reconciliations.flatMap(reconciliationTables),
    ...paperTables.map((id) => fillPaperTable(id, { scores, results })),
    ...scores.flatMap(({ origin, tables }) => tables.map((each) => scoreTable(each, origin))),
  ];
}

/** The tables whose cells are traced to their origins, the main ones first. */
export function tracedTables(tables: ReportTables): Table[] {
  const { main, duels, comparisons, seeds, metrics, audits } = tables;
  return [...main, duels, ...comparisons, seeds, metrics, ...audits]
    .filter((table) => table !== null);
}

/** The metrics that the main table shows or compares on, each once. */
function metricsOf(columns: readonly ColumnSpec[], compared: readonly string[]): string[] {
  const shown = columns.flatMap((column) => {
    if ("metric" in column) return [column.metric];
    return column.on ?? compared.slice(0, 1);
  });
  return [...new Set(shown)];
}
