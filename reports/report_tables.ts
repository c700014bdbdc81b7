import { comparisonsTable } from "./comparisons_table.ts";
import type { ReportInput } from "./report_input.ts";
import { type ColumnSpec, resultsTable } from "./results_table.ts";
import { metricsTable } from "./metrics_table.ts";
import { seedsTable } from "./seeds_table.ts";
import { duelsTable } from "./duels_table.ts";
import type { Table } from "./table.ts";
import type { Verdict } from "./verdict.ts";

/** The tables of a report, which every format shows. */
export interface ReportTables {
  readonly main: Table;
  /** How the verdict follows; null where there is none. */
  readonly duels: Table | null;
  readonly comparisons: readonly Table[];
  readonly seeds: Table;
  /** Everything measured, on which the others draw. */
  readonly metrics: Table;
}

/**
 * Makes a report's tables from its input.
 *
 * @throws InputError naming every unknown metric and system of the table's columns
 */
export function reportTables(
  { results, table, test }: ReportInput,
  judged: Verdict | null,
): ReportTables {
  const compared = [...new Set(results.comparisons.map(({ metric }) => metric))];
  return {
    main: resultsTable(results, table),
    duels: judged === null || test === null
      ? null
      : duelsTable(judged.duels, results.metrics[test.metric]),
    comparisons: compared.map((metric) => comparisonsTable(results, metric)),
    seeds: seedsTable(results, metricsOf(table.columns, compared)),
    metrics: metricsTable(results),
  };
}

/** The metrics that the main table shows or compares on, each once. */
function metricsOf(columns: readonly ColumnSpec[], compared: readonly string[]): string[] {
  const shown = columns.flatMap((column) => {
    if ("metric" in column) return [column.metric];
    return column.on ?? compared.slice(0, 1);
  });
  return [...new Set(shown)];
}
