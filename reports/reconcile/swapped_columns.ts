import type { PublishedCell } from "../../core/published_cell.ts";
import { opponentOf, paperTable } from "../paper/paper_tables.ts";

/** Two numbers of a row that stand under one another's heading. */
export interface SwappedColumns {
  readonly cells: readonly [PublishedCell, PublishedCell];
  /** How that shows. */
  readonly sentence: string;
}

/** What a cell of duels should hold. */
interface Evidence {
  readonly value: number;
  readonly source: string;
}

/**
 * Finds rows of duels whose two numbers are swapped: where judgments, or else the complement that the same
 * table prints for the other side, give each number under the other's heading, and not under its own.
 *
 * @param recomputed what judgments give for a cell; null for nothing
 */
export function findSwappedColumns(
  cells: readonly PublishedCell[],
  recomputed: (cell: PublishedCell) => number | null,
): SwappedColumns[] {
  const duels = cells.filter(({ table }) => paperTable(table)?.kind === "duels");
  const rows = Map.groupBy(duels, ({ table, row }) => JSON.stringify([table, row]));
  return [...rows.values()].flatMap((row): SwappedColumns[] => {
    if (row.length !== 2) return [];
    const [one, other] = row;
    const evidence = row.map((cell) => evidenceOf(cell, duels, recomputed));
    const own = evidence.filter((each, i) => each !== null && !agrees(each, row[i]));
    const crossed = evidence.every((each, i) => each === null || agrees(each, row[1 - i]));
    if (own.length === 0 || !crossed) return [];
    return [{ cells: [one, other], sentence: describe([one, other], evidence) }];
  });
}

/** The other side's cell in the same table; undefined where it is not printed. */
export function turnedCell(
  { table, row, column }: PublishedCell,
  cells: readonly PublishedCell[],
): PublishedCell | undefined {
  const over = opponentOf(row, column);
  return cells.find((cell) =>
    cell.table === table && cell.row === over && opponentOf(over, cell.column) === row
  );
}

function evidenceOf(
  cell: PublishedCell,
  cells: readonly PublishedCell[],
  recomputed: (cell: PublishedCell) => number | null,
): Evidence | null {
  const value = recomputed(cell);
  if (value !== null) return { value, source: "from the files" };
  const turned = turnedCell(cell, cells);
  if (turned === undefined) return null;
  const printed = turned.value.toFixed(turned.digits);
  return {
    value: 100 - turned.value,
    source: `by the printed ${printed} of ${turned.row} over ${cell.row}`,
  };
}

/** Within a unit of the last printed digit: a complement of a rounded number may be that far off. */
function agrees({ value }: Evidence, { value: printed, digits }: PublishedCell): boolean {
  return Math.abs(value - printed) < 10 ** -digits;
}

function describe(
  cells: readonly [PublishedCell, PublishedCell],
  evidence: readonly (Evidence | null)[],
): string {
  const printed = cells.map(({ value, digits, column }) =>
    `${value.toFixed(digits)} under ${column}`
  );
  const shown = evidence.flatMap((each, i) =>
    each === null
      ? []
      : [`${each.value.toFixed(cells[i].digits)} over ${cells[i].column} (${each.source})`]
  );
  return `${cells[0].row}: the columns of this row are swapped in print. It has ` +
    `${printed.join(" and ")}, where ${shown.join(" and ")} belong.`;
}
