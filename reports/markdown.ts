import { formatCount, formatNumber, halfWidth } from "./number_format.ts";
import { type Cell, type Column, isQuantity, noteLetter, type Table } from "./table.ts";
import { visibleText } from "../core/visible_text.ts";

/** How characters are written that would open a link, a tag, an entity, emphasis, a formula or a cell. */
const ESCAPES: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  // After a backslash these would still start an automatic link or a formula.
  "@": "&#64;",
  "$": "&#36;",
};

/** Untrusted text as one line of Markdown that shows just that text. */
export function escapeMarkdown(text: string): string {
  return visibleText(text)
    .replace(/[\\`*_[\]<>|~$^&@]/g, (character) => ESCAPES[character] ?? `\\${character}`)
    .replace(/^(\s*)([-+=#])/, "$1\\$2")
    .replace(/^(\s*\d+)([.)])(?=\s|$)/, "$1\\$2")
    .replace(/:(?=\/\/)|(?<=\b(?:mailto|xmpp)):/gi, "&#58;")
    .replace(/\b(www)\./gi, "$1&#46;");
}

/** Untrusted text as a fenced block: its lines as they are, the fence longer than any run of ticks within. */
export function fenceMarkdown(text: string): string {
  const shown = visibleText(text, { keepLines: true });
  const longest = Math.max(2, ...(shown.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${shown}\n${fence}`;
}

/** A table as GitHub-flavoured Markdown, with its title as bold text above and caption and notes below. */
export function renderMarkdown(table: Table): string {
  const lines = [
    `**${escapeMarkdown(table.title)}**`,
    "",
    line(table.columns.map(heading)),
    line(table.columns.map(({ align }) => (align === "right" ? "---:" : ":---"))),
    ...table.rows.map(({ cells }) => line(cells.map((cell, i) => content(cell, table.columns[i])))),
    "",
    ...table.notes.flatMap((note, i) => [`(${noteLetter(i)}) ${escapeMarkdown(note)}`, ""]),
    ...(table.caption === "" ? [] : [escapeMarkdown(table.caption), ""]),
  ];
  return lines.join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function heading(column: Column): string {
  const arrow = column.better === null ? "" : column.better === "higher" ? " ↑" : " ↓";
  const parts = [
    escapeMarkdown(column.group === null ? column.label : `${column.group} ${column.label}`) +
    arrow,
    ...(column.unit === null ? [] : [`(${escapeMarkdown(column.unit)})`]),
    ...(column.n === null ? [] : [`n ${formatCount(column.n)}`]),
  ];
  return parts.join(" ");
}

function content(cell: Cell, column: Column): string {
  const notes = cell.notes.map((index) => ` (${noteLetter(index)})`).join("");
  if (cell.content === null) return `–${notes}`;
  if (!isQuantity(cell.content)) return escapeMarkdown(cell.content) + notes;
  const half = halfWidth(cell.content);
  const mean = formatNumber(cell.content.value, cell.content.digits);
  const shown = half === null ? mean : `${mean} ± ${half}`;
  const n = column.n === null && cell.content.n !== null
    ? ` (n ${formatCount(cell.content.n)})`
    : "";
  return (cell.best ? `**${shown}**` : shown) + n + notes;
}
