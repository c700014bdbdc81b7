import { InputError } from "../core/problem.ts";
import type { StepFigures } from "../pipeline/stage.ts";
import { userPath } from "./project.ts";

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
export function openStepLog(path: string): StepLog {
  const file = openForAppending(userPath(path));
  const encoder = new TextEncoder();
  return {
    write: (figures) => void file.writeSync(encoder.encode(`${JSON.stringify(figures)}\n`)),
    [Symbol.dispose]: () => file.close(),
  };
}

function openForAppending(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { append: true, create: true });
  } catch (error) {
    const message = `${path} cannot be written: ${(error as Error).message}.`;
    throw new InputError([{ path: "--log", message }]);
  }
}
