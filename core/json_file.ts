import { canonicalJson, type Json } from "./json.ts";
import { requireFile } from "./is_file.ts";
import { InputError } from "./problem.ts";
import { readUtf8 } from "./utf8_file.ts";
import { isMissing } from "./write_atomically.ts";

/**
 * The value of a JSON file.
 *
 * @throws InputError when there is no such file, or it holds no JSON, or no UTF-8
 */
export async function readJson(path: string): Promise<Json> {
  await requireFile(path);
  const text = await readUtf8(path);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new InputError([{
      path,
      message: `Expected JSON but found ${(error as Error).message}.`,
    }]);
  }
}

/** What a JSON file of our own holds; null when it is not there, or holds something else. */
export async function readJsonIfThere<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Writes JSON for people and for digests: keys sorted, indented. */
export async function writeJson(path: string, value: Json): Promise<void> {
  // Keys are sorted by the canonical form, then laid out for people.
  const text = JSON.stringify(JSON.parse(canonicalJson(value)), null, 2);
  await Deno.writeTextFile(path, `${text}\n`);
}
