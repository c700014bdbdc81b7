import type { Score, ScoreRow, ScoreTable } from "../../core/score_table.ts";
import type { ScoredTables } from "../score_tables.ts";
import type { Origin } from "../table.ts";
import { opponentOf, type PaperColumn, type PaperTable, type ScoreSource } from "./paper_tables.ts";

/** A number of the score tables that belongs into a cell of the paper's. */
export interface FoundScore {
  /** As the cell has it: of B over A it is the complement of A over B. */
  readonly score: Score;
  readonly source: ScoreSource;
  /** Where the score table has it. */
  readonly row: ScoreRow;
  readonly table: ScoreTable;
  readonly origin: Origin;
  /** Whether the score table has the two systems the other way round. */
  readonly turned: boolean;
}

/** A cell by its place in one of the paper's tables. */
export interface CellPlace {
  readonly layout: PaperTable;
  readonly row: string;
  readonly column: PaperColumn;
}

/** The number that the first of the column's sources has for a cell; null where none has. */
export function findScore(
  place: CellPlace,
  scored: readonly ScoredTables[],
): FoundScore | null {
  for (const source of place.column.sources) {
    const found = findValue(place, source, scored);
    if (found !== null) return found;
  }
  return null;
}

/** What was judged and stands behind a number; null where that is not known: weights do not tell. */
export function judgedCount({ table, row, score }: FoundScore): number | null {
  if (table.id === "leaderboard") return row.values.discreteWinRate?.n ?? null;
  return table.id === "head-to-head" ? null : score.n;
}

/** What bounds a cell's number, percent; null where nothing does. */
export function findBounds(
  place: CellPlace,
  scored: readonly ScoredTables[],
): { readonly interval: readonly [number, number]; readonly origin: Origin } | null {
  const { bounds } = place.column;
  if (bounds === undefined) return null;
  const { table, least, most } = bounds;
  const ends = [least, most].map((value) => findValue(place, { table, value }, scored));
  const [one, other] = ends;
  if (one === null || other === null) return null;
  const [low, high] = [one.score.value, other.score.value].sort((a, b) => a - b);
  return { interval: [low, high], origin: one.origin };
}

function tablesOf(
  scored: readonly ScoredTables[],
  id: string,
): { readonly table: ScoreTable; readonly origin: Origin }[] {
  return scored.flatMap(({ origin, tables }) =>
    tables.filter((table) => table.id === id).map((table) => ({ table, origin }))
  );
}

function findValue(
  { layout, row: name, column }: CellPlace,
  source: ScoreSource,
  scored: readonly ScoredTables[],
): FoundScore | null {
  const over = opponentOf(name, column.id);
  const labels = layout.kind === "systems"
    ? [{ label: name, turned: false }]
    : [{ label: `${name} over ${over}`, turned: false }, {
      label: `${over} over ${name}`,
      turned: true,
    }];
  for (const { label, turned } of labels) {
    for (const { table, origin } of tablesOf(scored, source.table)) {
      const row = table.rows.find((each) => each.label === label);
      const score = row?.values[source.value] ?? null;
      if (row === undefined || score === null) continue;
      return { score: turned ? complement(score) : score, source, row, table, origin, turned };
    }
  }
  return null;
}

/** A win rate as the other side has it. */
function complement({ value, ci95, n }: Score): Score {
  return { value: 100 - value, ci95: ci95 && [100 - ci95[1], 100 - ci95[0]], n };
}
