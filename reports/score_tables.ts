import type { Score, ScoreColumn, ScoreTable } from "../core/score_table.ts";
import { column } from "./comparisons_table.ts";
import { sharedCount } from "./results_table.ts";
import { type Cell, emptyCell, type Origin, type Table, textCell } from "./table.ts";

/** Tables of scores, and the stage instance that gave them. */
export interface ScoredTables {
  readonly origin: Origin;
  readonly tables: readonly ScoreTable[];
}

/** A table of scores as reports show tables; nothing is marked as best. */
export function scoreTable(scores: ScoreTable, origin: Origin): Table {
  const { columns, rows } = scores;
  const notes = [...new Set(rows.flatMap(({ note }) => note ?? []))];
  const cells = rows.map(({ values }) => columns.map(({ id }) => values[id] ?? null));
  const counts = columns.map((_, at) => sharedCount(cells.map((row) => row[at])));
  return {
    id: `${origin.instance}-${scores.id}`,
    title: scores.title,
    caption: scores.caption,
    columns: [
      column("row", scores.heading, { align: "left" }),
      ...columns.map(({ id, label, group = null, unit, better }, at) =>
        column(id, label, { group, unit, better, n: counts[at] })
      ),
    ],
    rows: rows.map(({ id, label, note }, row) => ({
      id,
      cells: [
        { ...textCell(label, [origin]), notes: note === null ? [] : [notes.indexOf(note)] },
        ...columns.map((own, at) => scoreCell(cells[row][at], own, origin)),
      ],
    })),
    notes,
  };
}

function scoreCell(score: Score | null, { digits }: ScoreColumn, origin: Origin): Cell {
  if (score === null) return emptyCell();
  const { value, ci95: interval, n } = score;
  return { content: { value, digits, interval, n }, best: false, notes: [], origins: [origin] };
}

/** What the tables of one stage instance are called together. */
export function titlesOf(tables: readonly ScoreTable[]): string {
  return tables.map(({ title }) => title).join("; ");
}
