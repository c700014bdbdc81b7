import { InputError, nearest, type Problem } from "../core/problem.ts";
import type { Provenance, TracedCell, TracedTable } from "./provenance.ts";

/** What a person calls a cell: ids or labels, whatever their case. */
export interface CellName {
  readonly row: string;
  readonly column: string;
  /** The first table with such a row and column unless told. */
  readonly table?: string;
}

/** A cell with its place. */
export interface FoundCell {
  readonly table: TracedTable;
  readonly row: TracedTable["rows"][number];
  readonly column: TracedTable["columns"][number];
  readonly cell: TracedCell;
}

/**
 * The cell that a person named.
 *
 * @throws InputError naming every unknown part, with the nearest that there is
 */
export function findCell({ tables }: Pick<Provenance, "tables">, name: CellName): FoundCell {
  const chosen = name.table === undefined
    ? tables
    : tables.filter((table) => fits(name.table!, [table.id, table.title]));
  for (const table of chosen) {
    const row = table.rows.find(({ id, label }) => fits(name.row, [id, label]));
    const at = table.columns.findIndex((column) => fits(name.column, namesOf(column)));
    if (row === undefined || at < 0) continue;
    const cell = row.cells[at];
    if (cell !== null) return { table, row, column: table.columns[at], cell };
  }
  throw new InputError(problemsOf(tables, chosen, name));
}

/** What a column may be called: its id, its label, and its id without the metric that it compares on. */
function namesOf({ id, label }: { readonly id: string; readonly label: string }): string[] {
  const parts = id.split(":");
  return [
    id,
    label,
    ...(parts.length > 2 ? [parts.slice(0, 2).join(":")] : []),
    ...shortLabel(label),
  ];
}

/** `over DPO` of `Win rate over DPO`. */
function shortLabel(label: string): string[] {
  const at = label.search(/\b(over|minus) /);
  return at > 0 ? [label.slice(at)] : [];
}

function fits(word: string, names: readonly string[]): boolean {
  return names.some((name) => name.toLowerCase() === word.toLowerCase());
}

function problemsOf(
  tables: readonly TracedTable[],
  chosen: readonly TracedTable[],
  name: CellName,
): Problem[] {
  if (chosen.length === 0) {
    return [unknown("--table", name.table!, tables.map(({ id }) => id))];
  }
  const rows = chosen.flatMap(({ rows }) => rows);
  const columns = chosen.flatMap(({ columns }) => columns);
  const problems: Problem[] = [];
  if (!rows.some(({ id, label }) => fits(name.row, [id, label]))) {
    problems.push(unknown("row", name.row, rows.flatMap(({ id, label }) => [id, label])));
  }
  if (!columns.some((column) => fits(name.column, namesOf(column)))) {
    problems.push(unknown("column", name.column, columns.flatMap(namesOf)));
  }
  if (problems.length > 0) return problems;
  const message = "Expected a cell with a number in one of the tables but found none there.";
  return [{ path: `${name.row} ${name.column}`, message }];
}

const SHOWN = 12;

function unknown(what: string, word: string, known: readonly string[]): Problem {
  const names = [...new Set(known)];
  const more = names.length > SHOWN ? ", …" : "";
  return {
    path: `${what} ${word}`,
    message: `Expected one of ${names.slice(0, SHOWN).join(", ")}${more} but found "${word}".`,
    nearest: nearest(word, names),
  };
}
