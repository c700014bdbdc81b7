import { InputError } from "../core/problem.ts";

/**
 * Writes to the path that a person gave by an option.
 *
 * @throws InputError that names the option, when it cannot be written
 */
export async function writeForOption<T>(
  { option, path }: { readonly option: string; readonly path: string },
  write: () => T | Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const message = `${path} cannot be written: ${(error as Error).message}.`;
    throw new InputError([{ path: option, message }]);
  }
}
