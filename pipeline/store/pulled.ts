import { join } from "node:path";
import { readTextIfThere, writeAtomically } from "../../core/write_atomically.ts";
import { encodeName, isDigest } from "./names.ts";
import { parseObject } from "./records.ts";
import type { Store } from "./store.ts";
import { readNames } from "./walk_sharded.ts";

/**
 * Notes which keys a recipe's last pull took, so that `gc` keeps their results as it keeps those of a last run.
 * The store must be shared by the caller.
 */
export async function notePulled(
  store: Store,
  recipe: string,
  keys: readonly string[],
): Promise<void> {
  const path = join(store.folder("pulled"), `${encodeName(recipe)}.json`);
  await writeAtomically(path, `${JSON.stringify({ recipe, keys })}\n`, store.folder("tmp"));
}

/** The keys of each recipe's last pull. */
export function pulledKeys(store: Store): string[] {
  const folder = store.folder("pulled");
  return readNames(folder).sort().flatMap((name) => {
    const keys = parseObject(readTextIfThere(join(folder, name)))?.keys;
    return Array.isArray(keys)
      ? keys.filter((key) => typeof key === "string" && isDigest(key))
      : [];
  });
}
