import { shellWord } from "../core/shell_word.ts";
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
        ...stageLines(stage).flatMap(([name, value]) =>
          indented(name, name === "Packages" ? wrapped(value.split("\n")) : value)
        ),
      ]),
    ]),
  ].join("\n");
}

const INDENT = 4;
const NAME_WIDTH = 16;
/** Columns that names beside one another may take. */
const WRAP = 80;

/** Names in a row, as many to a line as fit. */
function wrapped(names: readonly string[]): string {
  const lines: string[] = [];
  for (const name of names) {
    const longer = `${lines.at(-1)}, ${name}`;
    if (lines.length > 0 && longer.length <= WRAP) lines[lines.length - 1] = longer;
    else lines.push(name);
  }
  return lines.join(",\n");
}

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
      `  rows     ${rows.map(({ id }) => shellWord(id)).join(" ")}`,
      `  columns  ${columns.map(({ id }) => shellWord(id)).join(" ")}`,
    ].join("\n")
  ).join("\n\n");
}
