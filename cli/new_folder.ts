import { basename, dirname, join } from "node:path";
import { InputError, type Problem } from "../core/problem.ts";
import { removeTree } from "../pipeline/store/store.ts";
import { StoreLock } from "../pipeline/store/store_lock.ts";
import { naming } from "../core/write_atomically.ts";
import { userPath } from "./project.ts";

/** A folder that a command fills, and the one beside it in which that is done. */
export interface NewFolder {
  /** What a person asked for: new or empty. */
  readonly folder: string;
  /** On the same file system, hidden. */
  readonly workFolder: string;
}

/**
 * Calls an action that makes a folder beside the one asked for and then moves it there; no other
 * process does the same meanwhile.
 *
 * @param out the path that a person gave as `--out`
 * @param verb what is done there, for names and messages
 * @throws InputError when there are files in the folder already
 * @throws ExpectedError when another process is at it
 */
export async function withNewFolder(
  { out, verb }: { readonly out: string; readonly verb: "train" | "export" },
  action: (place: NewFolder) => Promise<number>,
): Promise<number> {
  const folder = userPath(out);
  const workFolder = join(dirname(folder), `.${basename(folder)}.${verb}ing`);
  await naming(folder, () => Deno.mkdir(dirname(folder), { recursive: true }));
  const lockPath = `${workFolder}.lock`;
  using _lock = await StoreLock.take(
    lockPath,
    Date.now(),
    `it ${verb}s into the same --out. Wait for it to end, stop it, or choose another folder.`,
  );
  try {
    const problems = folderProblems(folder);
    if (problems.length > 0) throw new InputError(problems);
    return await action({ folder, workFolder });
  } finally {
    await removeTree(lockPath);
  }
}

/** Moves what was made to its place, which holds no files. */
export async function moveInto(made: string, folder: string): Promise<void> {
  await removeTree(folder);
  await Deno.rename(made, folder);
}

function folderProblems(folder: string): Problem[] {
  try {
    if ([...Deno.readDirSync(folder)].length === 0) return [];
    return [{
      path: "--out",
      message: `Expected a new or empty folder but found files in ${folder}.`,
    }];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    return [{ path: "--out", message: `${folder} cannot be used: ${(error as Error).message}.` }];
  }
}
