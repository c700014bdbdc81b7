import { InputError, nearest } from "../../core/problem.ts";

/** How a file of pairs is read. */
export type FileKind = "parquet" | "lines";

/**
 * Looks at a file of pairs before it is read: that it is there, holds something, and is of the kind
 * that its name says.
 *
 * @throws InputError for a missing file (with the nearest name beside it), a folder, an empty file, a
 * table or packed file under another name
 */
export async function checkFile(path: string): Promise<FileKind> {
  if (!path.endsWith(".parquet")) {
    await requireLines(path, "pairs");
    return "lines";
  }
  const start = await requireFile(path, "pairs");
  if (startsWith(start, PARQUET)) return "parquet";
  const message = isGzip(start)
    ? "Expected a Parquet file but found gzip data; name it .jsonl.gz if it holds JSON lines."
    : "Expected a Parquet file but found other bytes.";
  throw new InputError([{ path, message }]);
}

/**
 * Looks at a file of JSON lines before it is read.
 *
 * @param what what the file holds, in the plural: `prompts`
 * @throws InputError as `requireFile`; for a table, and for packed data under another name than `.gz`
 */
export async function requireLines(path: string, what: string): Promise<void> {
  const start = await requireFile(path, what);
  const found = startsWith(start, PARQUET)
    ? `a Parquet file${what === "pairs" ? "; name it .parquet" : ""}`
    : isGzip(start) && !path.endsWith(".gz")
    ? "gzip data; name it .jsonl.gz"
    : null;
  if (found === null) return;
  throw new InputError([{ path, message: `Expected JSON lines but found ${found}.` }]);
}

/**
 * The first four bytes of a file that must be there and hold something.
 *
 * @param what what the file holds, in the plural: `pairs`
 * @throws InputError for a missing file (with the nearest name beside it), a folder, an empty file
 */
export async function requireFile(path: string, what: string): Promise<Uint8Array> {
  const start = await lookAt(path);
  const refuse = (message: string, near?: string): never => {
    throw new InputError([{ path, message, nearest: near }]);
  };
  if (start === null) {
    return refuse(`Expected a file of ${what} but found none.`, await nearestName(path));
  }
  if (start === "folder") return refuse(`Expected a file of ${what} but found a folder.`);
  if (start.length === 0) return refuse(`Expected rows of ${what} but found an empty file.`);
  return start;
}

/** Whether bytes begin as gzip data does. */
export function isGzip(start: Uint8Array): boolean {
  return startsWith(start, GZIP);
}

/** `PAR1`. */
const PARQUET = [0x50, 0x41, 0x52, 0x31];
const GZIP = [0x1f, 0x8b];

function startsWith(start: Uint8Array, bytes: readonly number[]): boolean {
  return bytes.every((byte, i) => start[i] === byte);
}

async function lookAt(path: string): Promise<Uint8Array | "folder" | null> {
  try {
    if ((await Deno.stat(path)).isDirectory) return "folder";
    using file = await Deno.open(path, { read: true });
    const start = new Uint8Array(4);
    return start.subarray(0, await file.read(start) ?? 0);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function nearestName(path: string): Promise<string | undefined> {
  const at = path.lastIndexOf("/");
  const folder = at < 0 ? "." : path.slice(0, at) || "/";
  try {
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    return nearest(path.slice(at + 1), names);
  } catch (error) {
    // A worker may not list what lies beside a file it was given.
    if (isAbsent(error) || error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
