import { displayWidth, pad } from "./display_width.ts";

/**
 * Cells in columns: the first one, and a last one that is headed `what`, to the left, numbers to the
 * right.
 *
 * @param rows the heading first; all of one length, free of control characters
 *
 * @example
 * ```ts
 * import { alignColumns } from "./align_columns.ts";
 * if (alignColumns([["", "n"], ["all", "10"]]) !== "      n\nall  10") throw new Error();
 * ```
 */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => displayWidth(row[i]))));
  return rows.map((row) =>
    row.map((cell, i) => {
      if (i === 0) return pad(cell, widths[i]);
      const isProse = i === row.length - 1 && rows[0][i] === "what";
      return isProse ? cell : pad(cell, widths[i], "right");
    }).join("  ").trimEnd()
  ).join("\n");
}
