import type { FoundCell } from "./find_cell.ts";
import { type Provenance, stagesOf } from "./provenance.ts";
import { stageLines } from "./stage_lines.ts";

/** Where a cell comes from, as text: every stage back to the data, the nearest first. */
export function provenanceText(provenance: Provenance, found: FoundCell): string {
  const { table, row, column, cell } = found;
  const { recipe, run, command, startedAt } = provenance;
  return [
    `${cell.shown}  ${row.label}, ${column.label}`,
    `${table.title}`,
    `Recipe ${recipe}, run ${run}${startedAt === null ? "" : `, begun ${startedAt}`}` +
    `${command === null ? "" : `: ${command}`}`,
    ...provenance.chains[cell.chain].flatMap((step) => [
      "",
      `${step.kind} (${step.describe})`,
      ...stagesOf(provenance, step).flatMap((stage) => [
        `  ${stage.instance}`,
        ...stageLines(stage).flatMap(([name, value]) => indented(name, value)),
      ]),
    ]),
  ].join("\n");
}

const INDENT = 4;
const NAME_WIDTH = 16;

function indented(name: string, value: string): string[] {
  return value.split("\n").map((line, i) =>
    " ".repeat(INDENT) + (i === 0 ? name : "").padEnd(NAME_WIDTH) + line
  );
}

/** The tables of a report with the names of their rows and columns. */
export function tracedTablesText({ tables }: Provenance): string {
  return tables.map(({ id, title, rows, columns }) =>
    [
      `${id}: ${title}`,
      `  rows     ${rows.map(({ id }) => quoted(id)).join(" ")}`,
      `  columns  ${columns.map(({ id }) => quoted(id)).join(" ")}`,
    ].join("\n")
  ).join("\n\n");
}

function quoted(name: string): string {
  return /^[A-Za-z0-9_.:@=,/-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}
