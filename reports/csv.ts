import { isQuantity, type Quantity, type Table } from "./table.ts";
import { visibleText } from "../core/visible_text.ts";

/**
 * A table as CSV (RFC 4180: CRLF, quotes doubled): for each column of numbers the value, the ends of its
 * 95% interval, n and whether it is marked best, unrounded and with a plain minus. A text that a
 * spreadsheet would take for a formula gets an apostrophe in front.
 */
export function renderCsv(table: Table): string {
  const numeric = table.columns.map((_, at) =>
    table.rows.some(({ cells }) => isQuantity(cells[at].content))
  );
  const records = [
    table.columns.flatMap((column, at) => {
      const name = column.group === null ? column.label : `${column.group} ${column.label}`;
      if (!numeric[at]) return [text(name)];
      const unit = column.unit === null ? "" : ` (${column.unit})`;
      return [name + unit, `${name}: ci95 low`, `${name}: ci95 high`, `${name}: n`, `${name}: best`]
        .map(text);
    }),
    ...table.rows.map(({ cells }) =>
      cells.flatMap((cell, at) => {
        if (isQuantity(cell.content)) return [...numbers(cell.content), cell.best ? "1" : "0"];
        const shown = text(cell.content ?? "");
        return numeric[at] ? [shown, "", "", "", ""] : [shown];
      })
    ),
  ];
  return records.map((record) => record.join(",") + "\r\n").join("");
}

/** Untrusted text as one CSV field. */
function text(value: string): string {
  const shown = visibleText(value, { keepLines: true });
  const safe = /^\s*[=+\-@|%＝＋－＠]/.test(shown) || /^[\t\n]/.test(shown) ? `'${shown}` : shown;
  return /[",\r\n\t']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function numbers({ value, interval, n }: Quantity): string[] {
  const [low, high] = interval ?? [null, null];
  return [value, low, high, n].map((number) =>
    number === null || !Number.isFinite(number) ? "" : String(number)
  );
}
