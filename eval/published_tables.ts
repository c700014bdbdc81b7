import type { Problem } from "../core/problem.ts";
import type { PublishedCell } from "../core/published_cell.ts";
import { refuseProblems } from "../core/problem.ts";
import { checkRows } from "../data/sources/row_fields.ts";
import { readCsv } from "../data/sources/row_files.ts";

/**
 * Reads what a paper's tables print: rows `table,row,column,value`, `note` where there is one. The value
 * is kept with as many digits as it is printed with.
 *
 * @throws InputError with every bad row and every cell that comes twice, or that the file cannot be read
 */
export async function readPublishedTables(path: string): Promise<PublishedCell[]> {
  const file = await readCsv(path, "published tables");
  const seen = new Map<string, string>();
  const problems: Problem[] = [];
  const cells = checkRows(file, (fields, number): PublishedCell => {
    const [table, row, column] = ["table", "row", "column"].map((key) => fields.text(key));
    const value = fields.number("value");
    const printed = String(fields.row.value ?? "").trim();
    const decimals = /^-?\d+(?:\.(\d+))?$/.exec(printed);
    if (decimals === null && fields.problems.length === 0) {
      fields.refuse("value", "a number in plain digits");
    }
    const note = String(fields.row.note ?? "").trim();
    const where = file.where(number);
    const place = JSON.stringify([table, row, column]);
    const first = seen.get(place);
    if (first === undefined) seen.set(place, where);
    else problems.push({ path: where, message: `Expected another cell than that of ${first}.` });
    const digits = decimals?.[1]?.length ?? 0;
    return { table, row, column, value, digits, note: note === "" ? null : note };
  });
  refuseProblems(problems);
  return cells;
}
