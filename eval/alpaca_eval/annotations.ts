import { checkRows } from "../../data/sources/row_fields.ts";
import { readJsonList } from "../../data/sources/row_files.ts";

/**
 * A row of AlpacaEval's `annotations.json`: a judge's preference between the baseline's output (1) and
 * the model's (2). Columns beside these, such as `raw_completion`, are kept as they are.
 */
export interface Annotation extends Readonly<Record<string, unknown>> {
  readonly instruction: string;
  readonly generator_1: string;
  readonly output_1: string;
  readonly generator_2: string;
  readonly output_2: string;
  /** From 1 (output 1) to 2 (output 2); 1.5, or 0 in old files, is a draw; null is no judgment. */
  readonly preference: number | null;
}

/**
 * Reads an `annotations.json`, plain or gzipped.
 *
 * @throws InputError with every row that is no annotation, or that the file cannot be read
 */
export async function readAnnotations(path: string): Promise<Annotation[]> {
  return checkRows(await readJsonList(path, "annotations"), (fields) => ({
    ...fields.row,
    instruction: fields.text("instruction"),
    generator_1: fields.text("generator_1"),
    output_1: fields.text("output_1"),
    generator_2: fields.text("generator_2"),
    output_2: fields.text("output_2"),
    preference: readPreference(
      fields.row.preference,
      () => fields.refuse("preference", "a preference from 1 to 2, 0 for a draw, or null"),
    ),
  }));
}

/** An `annotations.json` as text, in the order of the rows. */
export function annotationsJson(rows: readonly Annotation[]): string {
  return `${JSON.stringify(rows, null, 2)}\n`;
}

/** The preference as a number from 0 (the baseline's output) to 1 (the model's); null for none. */
export function credit({ preference }: Annotation): number | null {
  if (preference === null) return null;
  return preference === 0 ? 0.5 : preference - 1;
}

function readPreference(value: unknown, refuse: () => void): number | null {
  if (value === null) return null;
  if (typeof value === "number" && (value === 0 || (value >= 1 && value <= 2))) return value;
  refuse();
  return null;
}
