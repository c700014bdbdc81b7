import { gunzipSync } from "node:zlib";
import { InputError } from "../../core/problem.ts";
import { decodeUtf8 } from "../../core/utf8_file.ts";
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
  const bytes = await Deno.readFile(path);
  return decodeUtf8(path, packed ? unpacked(path, bytes) : bytes).replace(/^\uFEFF/, "");
}

function unpacked(path: string, bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch (error) {
    const message = `Expected whole gzip data but found: ${(error as Error).message}`;
    throw new InputError([{ path, message }]);
  }
}
