import { comparisonsTable } from "./comparisons_table.ts";
import type { ReportInput } from "./report_input.ts";
import { resultsTable } from "./results_table.ts";
import { seedsTable } from "./seeds_table.ts";
import type { Table } from "./table.ts";

/** The tables of a report, which every format shows. */
export interface ReportTables {
  readonly main: Table;
  readonly comparisons: readonly Table[];
  readonly seeds: Table;
}

/**
 * Makes a report's tables from its input.
 *
 * @throws InputError naming every unknown metric and system of the table's columns
 */
export function reportTables({ results, table }: ReportInput): ReportTables {
  const compared = [...new Set(results.comparisons.map(({ metric }) => metric))];
  return {
    main: resultsTable(results, table),
    comparisons: compared.map((metric) => comparisonsTable(results, metric)),
    seeds: seedsTable(results),
  };
}
