import { dirname } from "node:path";
import { ExpectedError } from "./problem.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full. Free some space (`ballast gc` lists what no kept run needs)",
  EDQUOT: "the disk quota is used up. Free some space (`ballast gc` lists what no kept run needs)",
  EROFS: "the file system is read-only. Choose a folder that can be written",
  EACCES: "permission is denied. Give yourself write access to it or choose another folder",
  EPERM:
    "the operation is not permitted. Give yourself write access to it or choose another folder",
  EISDIR: "a folder is in the way where a file is needed. Move it or choose another folder",
  EEXIST: "a file is in the way where a folder is needed. Move it or choose another folder",
  ENOTDIR: "a file is in the way where a folder is needed. Move it or choose another folder",
};

/**
 * Runs an action on the file system, naming the path and what to do when the disk is full, read-only or
 * forbidden, or when something else is in the way; other errors pass through. An action that makes a file
 * which must be new handles `AlreadyExists` itself: what is left of those is a file in a folder's place.
 *
 * @throws ExpectedError for a full disk, a used-up quota, a read-only file system, missing permission, a
 * file where a folder is needed or the other way round
 */
export async function naming<T>(path: string, action: () => Promise<T> | T): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw explainFailure(error, path);
  }
}

/** The error to show for a failed write: an `ExpectedError` where a person can mend it, else itself. */
export function explainFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof ExpectedError) return error;
  const code = "code" in error ? String(error.code) : codeInWords(error.message);
  if (error instanceof Deno.errors.NotCapable) {
    return new ExpectedError(`Cannot write ${path}: ${error.message}`, { cause: error });
  }
  const reason = REASONS[code];
  if (reason === undefined) return error;
  return new ExpectedError(`Cannot write ${path}: ${reason}.`, { cause: error });
}

/** DuckDB passes on the operating system's words alone. */
function codeInWords(message: string): string {
  if (message.includes("No space left on device")) return "ENOSPC";
  return message.includes("Disk quota exceeded") ? "EDQUOT" : "";
}

/**
 * Writes a text file so that a reader, also one after a power cut, finds the old text or the new, never
 * a part: temporary file in `folder` (on the same file system; that of the file unless given), sync,
 * rename, sync of the folder that holds it, and of those that hold new folders.
 */
export async function writeAtomically(
  path: string,
  text: string,
  folder: string = dirname(path),
): Promise<void> {
  await naming(path, async () => {
    await makeFolder(folder);
    const temporary = await Deno.makeTempFile({ dir: folder, prefix: "write-" });
    try {
      using file = await Deno.open(temporary, { write: true });
      await writeAll(file, new TextEncoder().encode(text));
      await file.sync();
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
    await makeFolder(dirname(path));
    await Deno.chmod(temporary, 0o644);
    await Deno.rename(temporary, path);
    await syncPath(dirname(path));
  });
}

/** Writes all bytes; a single `write` may take only some of them. */
export async function writeAll(
  file: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** The same, at once. */
export function writeAllSync(
  file: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

/**
 * Makes a folder, and those above it that are missing, so that a power cut leaves all of them. One that was
 * there and may be written but not read, which cannot be synced, is left to the system.
 */
export async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = path; !isThere(at); at = dirname(at)) missing.push(at);
  await Deno.mkdir(path, { recursive: true });
  for (const folder of missing) {
    await syncPath(dirname(folder)).catch((error) => {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    });
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Forces a file's bytes, or a folder's list of names, to the disk. */
export async function syncPath(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true });
  await file.sync();
}

/** The text of a file, or `null` when there is none, or a folder in its place. */
export function readTextIfThere(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (isMissing(error) || error instanceof Deno.errors.IsADirectory) return null;
    throw error;
  }
}

/** Removes a file; does nothing when it is not there. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** True for the errors that say that no more can be written. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** True for the errors that say that a path does not exist. */
export function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
