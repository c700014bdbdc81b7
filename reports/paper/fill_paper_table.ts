import type { Estimate, Results } from "../../core/results.ts";
import { column } from "../comparisons_table.ts";
import { findComparison } from "../outcome.ts";
import type { ScoredTables } from "../score_tables.ts";
import { type Cell, emptyCell, type Origin, type Table, textCell } from "../table.ts";
import { type CellPlace, findScore, judgedCount } from "./find_score.ts";
import { opponentOf, type PaperTable, paperTable, type PaperTableId } from "./paper_tables.ts";

/** What a run has to fill a table with. */
export interface PaperTableNumbers {
  readonly scores: readonly ScoredTables[];
  readonly results: Results;
}

const MISSING = "Not measured in this run, nor in the files that it read.";

/**
 * A table of the paper in its order of rows and columns and with its rounding, filled with a run's own
 * numbers: those of score tables, else of results whose systems have the rows' names. Over itself a
 * system stands at 50%.
 */
export function fillPaperTable(id: PaperTableId, numbers: PaperTableNumbers): Table {
  const layout: PaperTable = paperTable(id)!;
  const notes: string[] = [];
  const rows = layout.rows.map((row) => ({
    id: row,
    cells: [
      textCell(row),
      ...layout.columns.map((each) => fill({ layout, row, column: each }, numbers, notes)),
    ],
  }));
  const name = /^\d+$/.test(id) ? `Table ${id}` : "A table of appendix F";
  return {
    id: `paper-${id}`,
    title: `${name} of the paper, from this run's numbers: ${layout.title}`,
    caption:
      (layout.heldToPrint
        ? "Order and rounding are the paper's. "
        : "No printed number of this table is in the files that reports read: whether its order and " +
          "its rounding to one digit are the paper's is not known here. ") +
      "± is half of the 95% interval, its larger side, " +
      "where there is one; n counts what was judged. Nothing is marked as best.",
    columns: [
      column("row", "Model", { align: "left" }),
      ...layout.columns.map(({ id, label, group, unit }) =>
        column(id, label, { group, unit, better: "higher" })
      ),
    ],
    rows,
    notes,
  };
}

function fill(place: CellPlace, { scores, results }: PaperTableNumbers, notes: string[]): Cell {
  const { layout, row, column: { id, digits } } = place;
  const noted = (note: string) => {
    const index = notes.indexOf(note);
    return index >= 0 ? index : notes.push(note) - 1;
  };
  const quantity = (
    { value, ci95, n }: { value: number; ci95: readonly [number, number] | null; n: number | null },
    more: { origins: readonly Origin[]; note: string | null },
  ): Cell => ({
    content: { value, digits, interval: ci95, n },
    best: false,
    notes: more.note === null ? [] : [noted(more.note)],
    origins: more.origins,
  });
  if (layout.kind === "duels" && opponentOf(row, id) === row) {
    return quantity({ value: 50, ci95: null, n: null }, { origins: [], note: null });
  }
  const found = findScore(place, scores);
  if (found !== null) {
    return quantity({ ...found.score, n: judgedCount(found) }, {
      origins: [found.origin],
      note: found.row.note,
    });
  }
  const measured = findEstimate(place, results);
  if (measured === null) return emptyCell([noted(MISSING)]);
  const { estimate: { mean, ci95, n }, origins } = measured;
  return quantity({ value: mean, ci95, n }, { origins, note: null });
}

/** What results say of a cell: a comparison on their first compared metric, or a metric of the column's name. */
function findEstimate(
  { layout, row, column: { id } }: CellPlace,
  { systems, comparisons, ...results }: Results,
): { readonly estimate: Estimate; readonly origins: readonly Origin[] } | null {
  const named = (label: string) => systems.find((system) => system.label === label);
  const own = named(row);
  if (own === undefined) return null;
  if (layout.kind === "systems") {
    const estimate = own.metrics[id] ?? own.metrics[id.toLowerCase()];
    return estimate === undefined ? null : { estimate, origins: own.origins };
  }
  const over = named(opponentOf(row, id));
  const metric = comparisons[0]?.metric;
  if (over === undefined || metric === undefined) return null;
  const comparison = findComparison({ systems, comparisons, ...results }, {
    ...{ a: own.id, b: over.id, metric },
  });
  if (comparison === null) return null;
  return { estimate: comparison.winRate, origins: [...own.origins, ...over.origins] };
}
