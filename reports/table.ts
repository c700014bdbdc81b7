/** Where a number came from: a stage instance and the digest of what it gave. */
export interface Origin {
  readonly instance: string;
  readonly digest: string;
}

/** A number as a table shows it. */
export interface Quantity {
  readonly value: number;
  /** Digits after the point. */
  readonly digits: number;
  /** 95% interval; null where nothing supports one. */
  readonly interval: readonly [number, number] | null;
  /** Items behind the number; null where counting makes no sense. */
  readonly n: number | null;
}

/** One cell: a text, a number, or nothing (`null`, shown as a dash). */
export interface Cell {
  readonly content: string | Quantity | null;
  /** The best of its column, by the rule that the caption states. */
  readonly best: boolean;
  /** Indices into `Table.notes`. */
  readonly notes: readonly number[];
  readonly origins: readonly Origin[];
}

/** One column: what it holds and how it is set. */
export interface Column {
  readonly id: string;
  readonly label: string;
  /** Heading shared with the neighbouring columns of the same group; null stands alone. */
  readonly group: string | null;
  /** `%`, `nats`; null for counts and text. */
  readonly unit: string | null;
  readonly better: "higher" | "lower" | null;
  readonly align: "left" | "right";
  /** Items behind each number of the column where all agree; null where they differ or are not counted. */
  readonly n: number | null;
}

/**
 * A table as a value: every renderer (text, Markdown, LaTeX, CSV, HTML) reads this one. All its texts
 * are untrusted; escaping is each renderer's own duty.
 */
export interface Table {
  /** Stable name: label in LaTeX, anchor in HTML. */
  readonly id: string;
  readonly title: string;
  /** Sentences below the table: how the intervals were made, what is marked. */
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly { readonly id: string; readonly cells: readonly Cell[] }[];
  /** Notes that cells refer to, lettered a, b, c in every renderer. */
  readonly notes: readonly string[];
}

/** More characters than these widen a table too much. */
const LONG_TEXT = 32;

/** Whether a cell's text is long enough to be broken into lines rather than widen its table. */
export function isLongText(content: Cell["content"]): boolean {
  return typeof content === "string" && content.length > LONG_TEXT;
}

/** A run of neighbouring columns under one heading. */
interface ColumnGroup {
  readonly label: string | null;
  readonly start: number;
  readonly count: number;
}

/** A cell of text. */
export function textCell(text: string, origins: readonly Origin[] = []): Cell {
  return { content: text, best: false, notes: [], origins };
}

/** A cell with a count: whole, and without an interval. */
export function countCell(value: number): Cell {
  return {
    content: { value, digits: 0, interval: null, n: null },
    best: false,
    notes: [],
    origins: [],
  };
}

/** A cell with nothing in it. */
export function emptyCell(notes: readonly number[] = []): Cell {
  return { content: null, best: false, notes, origins: [] };
}

/** The table's column groups from left to right; a column without a group is a run of its own. */
export function columnGroups(columns: readonly Column[]): ColumnGroup[] {
  const groups: ColumnGroup[] = [];
  columns.forEach((column, start) => {
    const last = groups.at(-1);
    if (last !== undefined && last.label !== null && last.label === column.group) {
      groups[groups.length - 1] = { ...last, count: last.count + 1 };
    } else groups.push({ label: column.group, start, count: 1 });
  });
  return groups;
}

/** The letter of a note: a, b, … z, aa, ab. */
export function noteLetter(index: number): string {
  const letter = String.fromCharCode(97 + (index % 26));
  return index < 26 ? letter : noteLetter(Math.floor(index / 26) - 1) + letter;
}

/** Whether a cell holds a number. */
export function isQuantity(content: Cell["content"]): content is Quantity {
  return typeof content === "object" && content !== null;
}
