import { InputError } from "./problem.ts";

/**
 * The text of a file. `Deno.readTextFile` puts U+FFFD in place of what is no UTF-8, without a word.
 *
 * @throws InputError when the file's bytes are no UTF-8
 */
export async function readUtf8(path: string): Promise<string> {
  const bytes = await Deno.readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new InputError([{ path, message: "Expected UTF-8 text but found other bytes." }]);
  }
}
