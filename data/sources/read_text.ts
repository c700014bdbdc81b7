import { gunzipSync } from "node:zlib";
import { InputError } from "../../core/problem.ts";
import { isGzip, requireFile } from "./source_file.ts";

/**
 * A text file as a whole; gzip data is unpacked, whatever the file's name. A byte-order mark is dropped.
 *
 * @param what what the file holds, in the plural: `annotations`
 * @throws InputError for a missing file (with the nearest name beside it), a folder, an empty file,
 *   damaged gzip data, bytes that are no UTF-8
 */
export async function readText(path: string, what: string): Promise<string> {
  const packed = isGzip(await requireFile(path, what));
  const refuse = (message: string): never => {
    throw new InputError([{ path, message }]);
  };
  const bytes = await Deno.readFile(path);
  let unpacked: Uint8Array = bytes;
  if (packed) {
    try {
      unpacked = gunzipSync(bytes);
    } catch (error) {
      return refuse(`Expected whole gzip data but found: ${(error as Error).message}`);
    }
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(unpacked);
  } catch {
    return refuse("Expected UTF-8 text but found other bytes.");
  }
}
