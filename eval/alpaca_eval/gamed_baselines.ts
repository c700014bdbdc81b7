import { checkRows } from "../../data/sources/row_fields.ts";
import { readCsv } from "../../data/sources/row_files.ts";

/** A row of a "gamed" baseline: the baseline model told to be verbose, or concise. */
export interface GamedRow {
  /** Position of the instruction in the evaluation set. */
  readonly index: number;
  /** Length difference to the baseline, divided by its standard deviation. */
  readonly stdDeltaLength: number;
  /** From 0 (the baseline) to 1. */
  readonly preference: number;
}

/**
 * Reads rows `baseline,index,std_delta_len,preference` of the gamed baselines.
 *
 * @param size instructions of the evaluation set
 * @throws InputError with every bad row, or that the file cannot be read
 */
export async function readGamedBaselines(path: string, size: number): Promise<GamedRow[]> {
  return checkRows(await readCsv(path, "gamed baselines"), (fields) => ({
    index: fields.number("index", { least: 0, most: size - 1, integer: true }),
    stdDeltaLength: fields.number("std_delta_len"),
    preference: fields.number("preference", { least: 0, most: 1 }),
  }));
}
