import { InputError } from "./problem.ts";

/**
 * The text of a file. `Deno.readTextFile` puts U+FFFD in place of what is no UTF-8, without a word.
 *
 * @throws InputError when the file's bytes are no UTF-8
 */
export async function readUtf8(path: string): Promise<string> {
  return decodeUtf8(path, await Deno.readFile(path));
}

/**
 * The text that a file's bytes hold; a byte-order mark stays.
 *
 * @throws InputError, naming the file, when they are no UTF-8
 */
export function decodeUtf8(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new InputError([{ path, message: "Expected UTF-8 text but found other bytes." }]);
  }
}
