import { displayWidth, pad, wrap } from "../core/display_width.ts";
import { formatCount, formatNumber, halfWidth } from "./number_format.ts";
import {
  type Cell,
  type Column,
  columnGroups,
  isQuantity,
  noteLetter,
  type Table,
} from "./table.ts";
import { visibleText } from "../core/visible_text.ts";

/** Blanks between two columns. */
const GAP = 2;
/** A column of text is wrapped at this width, a heading at its cells' width or this. */
const TEXT_WIDTH = 36;
const HEADING_WIDTH = 13;

/** One column laid out: all its cells as padded lines of the same width. */
interface TextColumn {
  readonly column: Column;
  readonly width: number;
  readonly heading: readonly string[];
  /** Lines of each row's cell. */
  readonly cells: readonly (readonly string[])[];
}

/**
 * A table for a terminal: rules above, below and under the heading, numbers aligned at their point.
 * Columns that do not fit are set in a further block under the first, with the first column repeated.
 *
 * @param options.width cells of the terminal, at least 40; 100 unless told
 */
export function renderText(table: Table, options: { readonly width?: number } = {}): string {
  const width = Math.max(40, options.width ?? 100);
  const columns = table.columns.map((column, at) => layOut(table, column, at));
  const lines = [...wrap(visibleText(table.title), width), ""];
  for (const block of blocks(columns, width)) lines.push(...blockLines(block, table), "");
  table.notes.forEach((note, i) =>
    lines.push(...wrap(`(${noteLetter(i)}) ${visibleText(note)}`, width))
  );
  if (table.caption !== "") lines.push(...wrap(visibleText(table.caption), width));
  while (lines.at(-1) === "") lines.pop();
  return lines.map((line) => line.trimEnd()).join("\n") + "\n";
}

function layOut(table: Table, column: Column, at: number): TextColumn {
  const content = cellLines(table.rows.map(({ cells }) => cells[at]), column);
  const inner = Math.max(1, ...content.flat().map(displayWidth));
  const arrow = column.better === null ? "" : column.better === "higher" ? " ↑" : " ↓";
  const limit = Math.max(inner, HEADING_WIDTH);
  const heading = [
    ...wrap(visibleText(column.label) + arrow, limit),
    ...(column.unit === null ? [] : wrap(`(${visibleText(column.unit)})`, limit)),
    ...(column.n === null ? [] : [`n ${formatCount(column.n)}`]),
  ];
  const width = Math.max(inner, ...heading.map(displayWidth));
  return {
    column,
    width,
    heading: heading.map((line) => pad(line, width, column.align)),
    cells: content.map((lines) => lines.map((line) => pad(line, width, column.align))),
  };
}

/** The cells of a column as lines; means, half intervals and marks are aligned among themselves. */
function cellLines(cells: readonly Cell[], column: Column): string[][] {
  const parts = cells.map((cell) => quantityParts(cell, column));
  const width = (name: "mean" | "half" | "mark") =>
    Math.max(0, ...parts.map((part) => part === null ? 0 : displayWidth(part[name])));
  return cells.map((cell, i) => {
    const part = parts[i];
    if (part !== null) {
      return [
        pad(part.mean, width("mean"), "right") + pad(part.half, width("half"), "left") +
        pad(part.mark, width("mark"), "left"),
      ];
    }
    if (cell.content === null) return [`–${marks(cell)}`.padEnd(1 + width("mark"))];
    return wrap(visibleText(String(cell.content)) + marks(cell), TEXT_WIDTH);
  });
}

function quantityParts(cell: Cell, column: Column) {
  if (!isQuantity(cell.content)) return null;
  const half = halfWidth(cell.content);
  const n = column.n === null && cell.content.n !== null
    ? ` (n ${formatCount(cell.content.n)})`
    : "";
  return {
    mean: formatNumber(cell.content.value, cell.content.digits),
    half: half === null ? "" : ` ± ${half}`,
    mark: (cell.best ? "*" : "") + n + marks(cell),
  };
}

function marks(cell: Cell): string {
  return cell.notes.map((index) => ` (${noteLetter(index)})`).join("");
}

/** Columns in blocks that fit the width; the first column opens each block. */
function blocks(columns: readonly TextColumn[], width: number): TextColumn[][] {
  const [first, ...rest] = columns;
  const made: TextColumn[][] = [[first]];
  for (const column of rest) {
    const block = made[made.length - 1];
    const used = block.reduce((sum, { width }) => sum + width + GAP, 0);
    if (block.length > 1 && used + column.width > width) made.push([first, column]);
    else block.push(column);
  }
  return made;
}

function blockLines(block: readonly TextColumn[], table: Table): string[] {
  const total = block.reduce((sum, { width }) => sum + width + GAP, -GAP);
  const join = (pieces: readonly string[]) => pieces.join(" ".repeat(GAP));
  const headings = Math.max(...block.map(({ heading }) => heading.length));
  const lines = ["━".repeat(total), ...groupLines(block)];
  for (let i = 0; i < headings; i++) {
    lines.push(join(block.map(({ heading, width }) => {
      return heading[i - (headings - heading.length)] ?? " ".repeat(width);
    })));
  }
  lines.push("─".repeat(total));
  table.rows.forEach((_, row) => {
    const height = Math.max(...block.map(({ cells }) => cells[row].length));
    for (let i = 0; i < height; i++) {
      lines.push(join(block.map(({ cells, width }) => cells[row][i] ?? " ".repeat(width))));
    }
  });
  return [...lines, "━".repeat(total)];
}

/** The line of group headings with a rule under each; nothing where no column has a group. */
function groupLines(block: readonly TextColumn[]): string[] {
  const groups = columnGroups(block.map(({ column }) => column));
  if (groups.every(({ label }) => label === null)) return [];
  const spans = groups.map(({ label, start, count }) => {
    const columns = block.slice(start, start + count);
    const width = columns.reduce((sum, column) => sum + column.width + GAP, -GAP);
    const text = label === null ? "" : wrap(visibleText(label), width)[0];
    return { width, text, rule: label === null ? " " : "─" };
  });
  const centred = spans.map(({ width, text }) =>
    pad(" ".repeat(Math.max(0, (width - displayWidth(text)) >> 1)) + text, width, "left")
  );
  return [
    centred.join(" ".repeat(GAP)),
    spans.map(({ width, rule }) => rule.repeat(width)).join(" ".repeat(GAP)),
  ];
}

/** Sentences for a terminal, each a paragraph. */
export function renderSentences(
  sentences: readonly string[],
  options: { readonly width?: number } = {},
): string {
  const width = Math.max(40, options.width ?? 100);
  return sentences.map((each) => `${wrap(visibleText(each), width).join("\n")}\n`).join("\n");
}
