import { InputError } from "../../core/problem.ts";
import { findCell } from "../../reports/find_cell.ts";
import { stagesOf } from "../../reports/provenance.ts";
import { provenanceText, tracedTablesText } from "../../reports/provenance_text.ts";
import { printJson, printResult } from "../output.ts";
import { readProvenance } from "../published.ts";
import { openStore } from "../session.ts";

/** Prints where a cell of a published report comes from; without a row, what there is to ask for. */
export function show(
  { report, row, column }: { report: string; row?: string; column?: string },
  { table, store, json }: { table?: string; store?: string; json: boolean },
): void {
  const provenance = readProvenance(openStore(store), report);
  if (row === undefined) {
    if (json) {
      printJson(provenance.tables.map(({ id, title, rows, columns }) => ({
        id,
        title,
        rows: rows.map(({ id, label }) => ({ id, label })),
        columns,
      })));
    } else printResult(tracedTablesText(provenance));
    return;
  }
  if (column === undefined) {
    const message = "Expected a column beside the row but found none.";
    throw new InputError([{ path: `${report} ${row}`, message }]);
  }
  const found = findCell(provenance, { row, column, table });
  if (!json) return printResult(provenanceText(provenance, found));
  printJson({
    shown: found.cell.shown,
    table: { id: found.table.id, title: found.table.title },
    row: { id: found.row.id, label: found.row.label },
    column: found.column,
    recipe: provenance.recipe,
    run: provenance.run,
    report: provenance.report,
    chain: provenance.chains[found.cell.chain].map((step) => ({
      kind: step.kind,
      stages: stagesOf(provenance, step),
    })),
  });
}
