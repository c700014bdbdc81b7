import { InputError, nearest } from "../../core/problem.ts";
import type { ScoreRow, ScoreTable } from "../../core/score_table.ts";
import type { ScoredTables } from "../score_tables.ts";
import { unknownNames } from "./unknown_names.ts";

/** A table of scores with the rows that a figure shows. */
export interface ChosenScores {
  /** Distinct in a report: the stage instance and the table's id, as `mt-bench/grades`. */
  readonly name: string;
  readonly table: ScoreTable;
  readonly rows: readonly ScoreRow[];
}

/** Which table and rows a figure asks for. */
interface ScoresRequest {
  /** The figure in the recipe, for problems: `figures.radar`. */
  readonly path: string;
  /** `mt-bench/grades` or `grades`; the only one that fits unless told. */
  readonly table?: string;
  /** Rows by id or label; all unless told. */
  readonly systems?: readonly string[];
  /** Whether a table has what the figure draws. */
  readonly fits: (table: ScoreTable) => boolean;
  /** What it has then, for a sentence: `columns of categories`. */
  readonly needs: string;
}

/**
 * Finds the table of scores and the rows that a figure asks for.
 *
 * @throws InputError for an unknown table, one that does not fit, more than one that does, and each unknown
 *   row, with the nearest
 */
export function chooseScores(
  scores: readonly ScoredTables[],
  request: ScoresRequest,
): ChosenScores {
  const chosen = chooseTable(scores, request);
  const { rows } = chosen.table;
  if (request.systems === undefined) return { ...chosen, rows };
  const find = (name: string) => rows.find(({ id, label }) => id === name || label === name);
  const problems = unknownNames(
    `${request.path}.systems`,
    request.systems.filter((name) => find(name) === undefined),
    {
      kind: "row",
      within: `in ${chosen.name}`,
      known: rows.flatMap(({ id, label }) => [label, id]),
    },
  );
  if (problems.length > 0) throw new InputError(problems);
  return { ...chosen, rows: request.systems.map((name) => find(name)!) };
}

function chooseTable(
  scores: readonly ScoredTables[],
  { path, table: asked, fits, needs }: ScoresRequest,
): Omit<ChosenScores, "rows"> {
  const all = scores.flatMap(({ origin: { instance }, tables }) =>
    tables.map((table) => ({ name: `${instance}/${table.id}`, table }))
  );
  const names = (tables: typeof all) => tables.map(({ name }) => name).join(", ") || "none";
  const refuse = (message: string, near?: string): never => {
    throw new InputError([{ path: `${path}.table`, message, nearest: near }]);
  };
  const named = asked === undefined
    ? all
    : all.filter(({ name, table }) => name === asked || table.id === asked);
  const fitting = named.filter(({ table }) => fits(table));
  if (fitting.length > 1) {
    refuse(`Expected the name of one table, since several have ${needs}: ${names(fitting)}.`);
  }
  if (fitting.length === 1) return fitting[0];
  if (asked !== undefined && named.length === 0) {
    const choices = all.flatMap(({ name, table }) => [name, table.id]);
    refuse(
      `No table of scores is called "${asked}". Known: ${names(all)}.`,
      nearest(asked, choices),
    );
  }
  return refuse(`Expected a table with ${needs} but found ${names(named)}.`);
}
