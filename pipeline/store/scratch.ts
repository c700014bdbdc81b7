import { join } from "node:path";
import { isMissing, makeFolder, naming } from "../../core/write_atomically.ts";
import { readNames } from "./walk_sharded.ts";

/**
 * Takes the scratch of a key, with what earlier attempts left. Each attempt has it under a name of its own,
 * `KEY/NAME`: one that lives still, out of sight (on a node of Slurm, or on another machine), no longer
 * finds it, and two never write the same files.
 *
 * @param folder of the key; made when it is not there
 * @returns the attempt's folder
 */
export async function takeScratch(folder: string): Promise<string> {
  return await naming(folder, async () => {
    await makeFolder(folder);
    const path = join(folder, crypto.randomUUID());
    if (!await moveLeft(folder, path)) await Deno.mkdir(path);
    return path;
  });
}

/** True when an attempt left something in a key's scratch. */
export function hasScratch(folder: string): boolean {
  return readNames(folder).some((name) => holdsSomething(join(folder, name)));
}

/** Of several folders, as one that had lost its own may leave, one that is not empty. */
async function moveLeft(folder: string, path: string): Promise<boolean> {
  const left = [...Deno.readDirSync(folder)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => join(folder, name));
  const empty = left.filter((one) => !holdsSomething(one));
  for (const one of [...left.filter(holdsSomething), ...empty]) {
    try {
      await Deno.rename(one, path);
      return true;
    } catch (error) {
      if (!isMissing(error)) throw error; // another took it in the same instant
    }
  }
  return false;
}

function holdsSomething(folder: string): boolean {
  return readNames(folder).length > 0;
}
