import { formatCount, formatNumber, halfWidth } from "./number_format.ts";
import {
  type Cell,
  type Column,
  columnGroups,
  isLongText,
  isQuantity,
  noteLetter,
  type Table,
} from "./table.ts";
import { visibleText } from "../core/visible_text.ts";

/** How LaTeX writes the characters that mean something to it, and the signs that reports use. */
const COMMANDS: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  "$": "\\$",
  "&": "\\&",
  "#": "\\#",
  "%": "\\%",
  "_": "\\_",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
  '"': "\\textquotedbl{}",
  "'": "\\textquotesingle{}",
  "`": "\\textasciigrave{}",
  "[": "{[}",
  "]": "{]}",
  "*": "{*}",
  "⏎": "\\ ",
  "−": "$-$",
  "±": "$\\pm$",
  "×": "$\\times$",
  "·": "$\\cdot$",
  "≤": "$\\leq$",
  "≥": "$\\geq$",
  "≈": "$\\approx$",
  "→": "$\\to$",
  "↑": "$\\uparrow$",
  "↓": "$\\downarrow$",
  "α": "$\\alpha$",
  "β": "$\\beta$",
  "γ": "$\\gamma$",
  "η": "$\\eta$",
  "λ": "$\\lambda$",
  "π": "$\\pi$",
  "σ": "$\\sigma$",
  "τ": "$\\tau$",
  "–": "--",
  "—": "---",
  "‘": "`",
  "’": "'",
  "“": "``",
  "”": "''",
  "…": "\\ldots{}",
  "\u00a0": "\\nobreakspace{}",
};

/** Letters that pdfLaTeX sets with T1 fonts and `utf8` input: À to ž but for Ħ ħ ĸ Ŀ ŀ ŉ Ŧ ŧ. */
const LETTERS =
  /^[\u00c0-\u0125\u0128-\u0137\u0139-\u013e\u0141-\u0148\u014a-\u0165\u0168-\u017e]$/;

/**
 * Untrusted text for LaTeX: no character keeps a special meaning. Latin letters that T1 fonts hold pass;
 * other characters outside ASCII are written as their code point, so that the text compiles
 * with every engine. Line breaks become blanks.
 */
export function escapeLatex(text: string): string {
  const written = Array.from(visibleText(text), (character) => {
    if (Object.hasOwn(COMMANDS, character)) return COMMANDS[character];
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80 || LETTERS.test(character)) return character;
    return `{[}U+${code.toString(16).toUpperCase().padStart(4, "0")}{]}`;
  });
  // Two hyphens would be set as one dash.
  return written.map((piece, i) => piece === "-" && written[i - 1] === "-" ? "{}-" : piece).join(
    "",
  );
}

/** A column whose texts are broken into lines. */
const LONG_COLUMN = "p{5cm}";

/** Untrusted text of whole sentences: lines may break after an underscore, as names of models have many. */
export function breakable(text: string): string {
  return escapeLatex(text).replaceAll("\\_", "\\_\\allowbreak{}");
}

/**
 * A table as a LaTeX `table` float with booktabs rules (packages booktabs, graphicx, textcomp).
 * Numbers take two columns each, so that the
 * means and the ± parts line up.
 */
export function renderLatex(table: Table): string {
  const format = table.columns.map((column, at) =>
    isNumeric(table, at) ? "r@{}l" : isLong(table, at) ? LONG_COLUMN : column.align[0]
  );
  const rows = table.rows.map(({ cells }) =>
    cells.map((cell, at) => cellLatex(table, cell, at)).join(" & ") + " \\\\"
  );
  const notes = table.notes.map((note, i) =>
    `\\textsuperscript{${noteLetter(i)}}\\,${breakable(note)}`
  );
  const below = [...notes, breakable(table.caption)].filter((part) => part !== "").join(" ");
  return [
    "\\begin{table}[htbp]",
    "\\centering",
    `\\caption{${breakable(table.title)}}`,
    `\\label{tab:${table.id.replace(/[^A-Za-z0-9]+/g, "-")}}`,
    "\\small",
    // Shrinks a table that is wider than the text, and no other.
    "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
    `\\begin{tabular}{@{}${format.join("")}@{}}`,
    "\\toprule",
    ...groupRows(table),
    table.columns.map((column, at) => spanned(headingLatex(column), table, at)).join(" & ") +
    " \\\\",
    ...unitRow(table),
    "\\midrule",
    ...rows,
    "\\bottomrule",
    "\\end{tabular}}",
    ...(below === ""
      ? []
      : [`\\par\\smallskip\\parbox{\\linewidth}{\\footnotesize\\raggedright ${below}}`]),
    "\\end{table}",
    "",
  ].join("\n");
}

function isNumeric(table: Table, at: number): boolean {
  return table.rows.some(({ cells }) => isQuantity(cells[at].content));
}

/** Whether a column's texts are broken into lines; not the last one, in which TeX would end the row so. */
function isLong(table: Table, at: number): boolean {
  return at < table.columns.length - 1 && !isNumeric(table, at) &&
    table.rows.some(({ cells }) => isLongText(cells[at].content));
}

/** A text over the one or two columns that a table column takes. */
function spanned(text: string, table: Table, at: number): string {
  return isNumeric(table, at) ? `\\multicolumn{2}{c}{${text}}` : text;
}

function headingLatex(column: Column): string {
  const arrow = column.better === null
    ? ""
    : column.better === "higher"
    ? " $\\uparrow$"
    : " $\\downarrow$";
  return escapeLatex(column.label) + arrow;
}

/** The line of units and counts; nothing where no column has either. */
function unitRow(table: Table): string[] {
  const cells = table.columns.map(({ unit, n }, at) => {
    const parts = [
      ...(unit === null ? [] : [escapeLatex(unit)]),
      ...(n === null ? [] : [`n ${formatCount(n)}`]),
    ];
    return parts.length === 0 ? "" : spanned(`\\footnotesize ${parts.join(", ")}`, table, at);
  });
  if (cells.every((cell) => cell === "")) return [];
  const filled = cells.map((cell, at) => cell === "" ? spanned("", table, at) : cell);
  return [filled.join(" & ") + " \\\\"];
}

function groupRows(table: Table): string[] {
  const groups = columnGroups(table.columns);
  if (groups.every(({ label }) => label === null)) return [];
  const cells: string[] = [];
  const rules: string[] = [];
  let column = 1;
  for (const { label, start, count } of groups) {
    const widths = table.columns.slice(start, start + count)
      .map((_, i) => isNumeric(table, start + i) ? 2 : 1);
    const span = widths.reduce((sum: number, width) => sum + width, 0);
    cells.push(`\\multicolumn{${span}}{c}{${label === null ? "" : escapeLatex(label)}}`);
    if (label !== null) rules.push(`\\cmidrule(lr){${column}-${column + span - 1}}`);
    column += span;
  }
  return [cells.join(" & ") + " \\\\", rules.join(" ")];
}

function cellLatex(table: Table, cell: Cell, at: number): string {
  const notes = cell.notes.map((index) => `\\textsuperscript{${noteLetter(index)}}`).join("");
  const column = table.columns[at];
  if (!isQuantity(cell.content)) {
    const text = cell.content === null ? "--" : breakable(cell.content);
    return spanned((isLong(table, at) ? "\\raggedright " : "") + text + notes, table, at);
  }
  const { value, digits, n } = cell.content;
  const mean = formatNumber(value, digits, "$-$");
  const half = halfWidth(cell.content);
  // A plain blank at the start of a cell is dropped.
  const count = column.n === null && n !== null ? `\\ (n ${formatCount(n)})` : "";
  const interval = half === null ? "" : `\\,$\\pm$\\,${half}`;
  const bold = (text: string) => cell.best && text !== "" ? `\\textbf{${text}}` : text;
  return `${bold(mean)} & ${bold(interval)}${count}${notes}`;
}
