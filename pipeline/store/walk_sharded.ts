import { join } from "node:path";
import { isMissing } from "../../core/write_atomically.ts";
import { isDigest } from "./names.ts";

/** Digests by shard, whose name is their first two digits: in order, when each shard is. */
export function* walkSharded(folder: string, suffix: string): Generator<string[]> {
  for (const shard of readNames(folder).sort()) {
    yield readNames(join(folder, shard))
      .map((name) => ({ name, digest: name.slice(0, 64) }))
      .filter(({ name, digest }) =>
        isDigest(digest) && name === `${digest}${suffix}` && digest.startsWith(shard)
      )
      .map(({ digest }) => digest)
      .sort();
  }
}

/** The names in a folder; none when it is not there. */
export function readNames(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
