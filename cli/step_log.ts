import type { StepFigures } from "../pipeline/stage.ts";
import { userPath } from "./project.ts";
import { writeForOption } from "./write_for_option.ts";

/** A file that each training step is appended to as it is done, as a line of JSON. */
export interface StepLog extends Disposable {
  write(figures: StepFigures): void;
}

/**
 * Opens the file of `--log`, to be gone on with where there is one: a resumed call takes some steps
 * again, and a step's last line counts.
 *
 * @throws InputError when the file cannot be written
 */
export async function openStepLog(given: string): Promise<StepLog> {
  const path = userPath(given);
  const file = await writeForOption(
    { option: "--log", path },
    () => Deno.open(path, { append: true, create: true }),
  );
  const encoder = new TextEncoder();
  return {
    write: (figures) => void file.writeSync(encoder.encode(`${JSON.stringify(figures)}\n`)),
    [Symbol.dispose]: () => file.close(),
  };
}
