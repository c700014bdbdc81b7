import { column } from "../comparisons_table.ts";
import { formatInterval } from "../number_format.ts";
import { type Cell, emptyCell, type Origin, type Table, textCell } from "../table.ts";
import type { CellVerdict, ReconciledRow, Reconciliation } from "./reconciliation.ts";

/** A reconciliation, and the stage instance that gave it. */
export interface OriginatedReconciliation extends Reconciliation {
  readonly origin: Origin;
}

const COLUMNS = [
  column("row", "Row", { align: "left" }),
  column("column", "Column", { align: "left" }),
  column("published", "Published"),
  column("reproduced", "Reproduced"),
  column("interval", "Interval"),
  column("verdict", "Verdict", { align: "left" }),
];

const CAPTION =
  "Within: the number found here is the printed one up to half a unit of its last digit (or, where the " +
  "recipe says so, its 95% interval holds the printed one). n counts what was judged. Interval: 95% of the " +
  "number found here; of what is not comparable, where the number may lie as far as these files tell.";

/**
 * A table for each of the printed ones: each number beside what was found, verdicts with their reasons as
 * notes. The first says what verdicts mean.
 */
export function reconciliationTables(
  { rows, origin }: Pick<OriginatedReconciliation, "rows" | "origin">,
): Table[] {
  const byTable = Map.groupBy(rows, ({ table }) => table);
  return [...byTable].map(([id, own], at) => {
    const notes = [...new Set(own.map(({ why }) => why))];
    return {
      id: `${origin.instance}-${id}`,
      title: `Table ${id} of the paper, and what these files give`,
      caption: at === 0 ? CAPTION : "",
      columns: COLUMNS,
      rows: own.map((row) => ({
        id: `${row.row}:${row.column}`,
        cells: cellsOf(row, { origin, note: notes.indexOf(row.why) }),
      })),
      notes,
    };
  });
}

/** All numbers in one table with their reasons, for a spreadsheet. */
export function reconciliationSheet(
  { rows, origin }: Pick<OriginatedReconciliation, "rows" | "origin">,
): Table {
  return {
    id: "reconciliation",
    title: "Every printed number, and what these files give",
    caption: CAPTION,
    columns: [
      column("table", "Table", { align: "left" }),
      ...COLUMNS,
      column("why", "Why", { align: "left" }),
      column("note", "Note of the file", { align: "left" }),
    ],
    rows: rows.map((row) => ({
      id: `${row.table}:${row.row}:${row.column}`,
      cells: [
        textCell(row.table),
        ...cellsOf(row, { origin, note: null }),
        textCell(row.why),
        textCell(row.note ?? ""),
      ],
    })),
    notes: [],
  };
}

/** The count of each verdict, as a sentence. */
export function reconciliationSummary({ rows }: Pick<Reconciliation, "rows">): string {
  const count = (verdict: CellVerdict) => rows.filter((row) => row.verdict === verdict).length;
  const unsupported =
    rows.filter(({ verdict, reproduced }) => verdict === "not comparable" && reproduced === null)
      .length;
  return `Of ${rows.length} printed numbers, ${count("within")} are met again and ${
    count("outside")
  } are not. ${
    count("not comparable")
  } cannot be compared: for ${unsupported} of them no file here has ` +
    `what they rest on.`;
}

/** How many numbers are met, then what was found on the way, a sentence each. */
export function reconciliationSentences(reconciliation: Reconciliation): string[] {
  return [reconciliationSummary(reconciliation), ...findingSentences(reconciliation)];
}

/** What was found on the way, a sentence each. */
export function findingSentences({ findings }: Pick<Reconciliation, "findings">): string[] {
  return findings.map(({ table, sentence }) => `Table ${table}, ${sentence}`);
}

function cellsOf(
  row: ReconciledRow,
  { origin, note }: { readonly origin: Origin; readonly note: number | null },
): Cell[] {
  const { published, reproduced, digits, interval, n } = row;
  const number = (value: number, count: number | null, origins: readonly Origin[]): Cell => ({
    content: { value, digits, interval: null, n: count },
    best: false,
    notes: [],
    origins,
  });
  return [
    textCell(row.row, [origin]),
    textCell(row.column),
    number(published, null, []),
    reproduced === null
      ? emptyCell()
      : number(reproduced, n, row.origin === null ? [] : [row.origin]),
    interval === null ? emptyCell() : textCell(formatInterval(interval, digits)),
    { ...textCell(row.verdict), notes: note === null ? [] : [note] },
  ];
}
