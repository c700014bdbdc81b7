import { InputError, refuseProblems } from "../../core/problem.ts";
import { checkRows } from "../../data/sources/row_fields.ts";
import { readJsonLines } from "../../data/sources/row_files.ts";

/** How hard the instructions of an evaluation set are, in the unit of the length-controlled GLM. */
export interface Difficulties {
  readonly path: string;
  /** By position in the evaluation set. */
  readonly values: Float64Array;
  /** Position of each instruction. */
  readonly positions: ReadonlyMap<string, number>;
}

/**
 * Reads rows `{index, instruction, difficulty}`, one JSON object a line.
 *
 * @throws InputError with every bad row, and every index or instruction that comes twice or is missing
 */
export async function readDifficulties(path: string): Promise<Difficulties> {
  const file = await readJsonLines(path, "instruction difficulties");
  const size = file.rows.length;
  const positions = new Map<string, number>();
  const values = new Float64Array(size);
  const taken = new Map<number, string>();
  const problems: { path: string; message: string }[] = [];
  checkRows(file, (fields, number) => {
    const index = fields.number("index", { least: 0, most: size - 1, integer: true });
    const instruction = fields.text("instruction");
    values[index] = fields.number("difficulty");
    if (fields.problems.length > 0) return;
    const where = file.where(number);
    const refuseTwice = (key: string, first: string) =>
      problems.push({ path: `${where}: ${key}`, message: `Expected another than at ${first}.` });
    const first = taken.get(index);
    const same = positions.get(instruction);
    if (first !== undefined) refuseTwice("index", first);
    else taken.set(index, where);
    if (same !== undefined) refuseTwice("instruction", taken.get(same)!);
    else positions.set(instruction, index);
  });
  refuseProblems(problems);
  return { path, values, positions };
}

/**
 * The position of each instruction in the evaluation set.
 *
 * @param where names a row, for messages
 * @throws InputError with every instruction that the difficulties lack
 */
export function positionsOf(
  instructions: readonly string[],
  { path, positions }: Difficulties,
  where: (row: number) => string,
): number[] {
  refuseProblems(instructions.flatMap((instruction, row) =>
    positions.has(instruction) ? [] : [{
      path: `${where(row)}: instruction`,
      message: `Expected an instruction of ${path} but found ${excerpt(instruction)}.`,
    }]
  ));
  return instructions.map((instruction) => positions.get(instruction)!);
}

/**
 * Refuses more rows than there are difficulties, which alpaca_eval takes by position.
 *
 * @throws InputError
 */
export function requirePositions(rows: number, { path, values }: Difficulties, of: string): void {
  if (rows <= values.length) return;
  const message = `Expected at most ${values.length} rows, as ${path} has, but found ${rows}.`;
  throw new InputError([{ path: of, message }]);
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
