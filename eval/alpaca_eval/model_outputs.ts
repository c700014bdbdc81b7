import { checkRows } from "../../data/sources/row_fields.ts";
import { readJsonList } from "../../data/sources/row_files.ts";

/** A row of AlpacaEval's model outputs: what a model replied to an instruction. */
export interface ModelOutput extends Readonly<Record<string, unknown>> {
  readonly instruction: string;
  readonly output: string;
  /** The model's name. */
  readonly generator: string;
}

/**
 * Reads a file of model outputs (`model_outputs.json`), plain or gzipped; other columns, such as
 * `dataset`, are kept.
 *
 * @throws InputError with every row that is no output, or that the file cannot be read
 */
export async function readModelOutputs(path: string): Promise<ModelOutput[]> {
  return checkRows(await readJsonList(path, "model outputs"), (fields) => ({
    ...fields.row,
    instruction: fields.text("instruction"),
    output: fields.text("output"),
    generator: fields.text("generator"),
  }));
}

/** A file of model outputs as text, in the order of the rows. */
export function modelOutputsJson(rows: readonly ModelOutput[]): string {
  return `${JSON.stringify(rows, null, 2)}\n`;
}
