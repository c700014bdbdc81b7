import { InputError } from "./problem.ts";
import { isMissing } from "./write_atomically.ts";

/** Whether there is a file of this path. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Refuses a path where there is no file, with an InputError. */
export async function requireFile(path: string): Promise<void> {
  if (!await isFile(path)) throw new InputError([{ path, message: "The file does not exist." }]);
}
