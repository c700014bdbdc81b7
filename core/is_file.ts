import { InputError } from "./problem.ts";

/** Whether there is a file of this path. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    // A file stands where the path has a folder.
    if (error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** Refuses a path where there is no file, with an InputError. */
export async function requireFile(path: string): Promise<void> {
  if (!await isFile(path)) throw new InputError([{ path, message: "The file does not exist." }]);
}
