import { rmdir } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { ExpectedError, InputError, type Problem } from "../core/problem.ts";
import { removeTree } from "../pipeline/store/store.ts";
import { StoreLock } from "../pipeline/store/store_lock.ts";
import { naming } from "../core/write_atomically.ts";
import { userPath } from "./project.ts";

/** A folder that a command fills, and the one beside it in which that is done. */
export interface NewFolder {
  /** What a person asked for, links followed: new or empty. */
  readonly folder: string;
  /** On the same file system, hidden. */
  readonly workFolder: string;
}

/** What `withNewFolder` is given. */
export interface NewFolderOptions {
  /** The path that a person gave as `--out`. */
  readonly out: string;
  /** What is done there, for names and messages. */
  readonly verb: "train" | "export";
  /** Files that the command writes elsewhere, by option. */
  readonly elsewhere?: Readonly<Record<string, string>>;
}

/**
 * Calls an action that makes a folder beside the one asked for and then moves it there; no other
 * process does the same meanwhile.
 *
 * @throws InputError when there are files in the folder already, or a file of another option is to lie
 * in it
 * @throws ExpectedError when another process is at it
 */
export async function withNewFolder(
  { out, verb, elsewhere = {} }: NewFolderOptions,
  action: (place: NewFolder) => Promise<number>,
): Promise<number> {
  const given = userPath(out);
  const folder = await Deno.realPath(given).catch(() => given);
  const workFolder = join(dirname(folder), `.${basename(folder)}.${verb}ing`);
  const misplaced = await misplacedFiles(elsewhere, { folder, workFolder });
  if (misplaced.length > 0) throw new InputError(misplaced);
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

/**
 * Moves what was made to its place, where there is nothing, or an empty folder, which gives way.
 *
 * @throws ExpectedError when something else has come to lie there; it is left alone, and what was made
 * stays where it is
 */
export async function moveInto(made: string, folder: string): Promise<void> {
  try {
    await rmdir(folder).catch((error) => {
      if (error.code !== "ENOENT") throw error;
    });
    await Deno.rename(made, folder);
  } catch (error) {
    throw new ExpectedError(
      `Expected ${folder} to be new or empty still but found that it cannot be replaced ` +
        `(${(error as Error).message}). What is there is kept, and what was made lies in ${made}.`,
      { cause: error },
    );
  }
}

/** Files in a folder that is to be made: they would be in its way, or vanish with the work's. */
async function misplacedFiles(
  files: Readonly<Record<string, string>>,
  { folder, workFolder }: NewFolder,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [option, file] of Object.entries(files)) {
    const given = userPath(file);
    const parent = await Deno.realPath(dirname(given)).catch(() => dirname(given));
    const path = join(parent, basename(given));
    if (![folder, workFolder].some((one) => isWithin(path, one))) continue;
    const message = `Expected a file outside ${folder}, which --out makes, but found ${path}.`;
    problems.push({ path: option, message });
  }
  return problems;
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way.split(/[/\\]/)[0] !== ".." && !isAbsolute(way);
}

function folderProblems(folder: string): Problem[] {
  try {
    if ([...Deno.readDirSync(folder)].length === 0) return [];
    return [{
      path: "--out",
      message: `Expected a new or empty folder but found files in ${folder}.`,
    }];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return linkProblems(folder);
    return [{ path: "--out", message: `${folder} cannot be used: ${(error as Error).message}.` }];
  }
}

/** A link to nothing would only be found in the way once everything is made. */
function linkProblems(folder: string): Problem[] {
  try {
    const { isSymlink } = Deno.lstatSync(folder);
    const message = `Expected a new or empty folder but found a link to nothing at ${folder}.`;
    return isSymlink ? [{ path: "--out", message }] : [];
  } catch {
    return [];
  }
}
