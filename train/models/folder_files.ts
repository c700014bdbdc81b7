import { canonicalJson, type Json } from "../../core/json.ts";
import { isFile } from "../../core/is_file.ts";
import { InputError } from "../../core/problem.ts";

/** Parses a JSON file; InputError when there is none. */
export async function readJson(path: string): Promise<Json> {
  await requireFile(path);
  const text = await Deno.readTextFile(path);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new InputError([{
      path,
      message: `Expected JSON but found ${(error as Error).message}.`,
    }]);
  }
}

/** Writes JSON for people and for digests: keys sorted, indented. */
export async function writeJson(path: string, value: Json): Promise<void> {
  // Keys are sorted by the canonical form, then laid out for people.
  const text = JSON.stringify(JSON.parse(canonicalJson(value)), null, 2);
  await Deno.writeTextFile(path, `${text}\n`);
}

/** Throws InputError unless the file exists. */
export async function requireFile(path: string): Promise<void> {
  if (!await isFile(path)) throw new InputError([{ path, message: "The file does not exist." }]);
}
