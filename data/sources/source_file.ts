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
  const kind = path.endsWith(".parquet") ? "parquet" : "lines";
  const found = await lookAt(path);
  const refuse = (message: string, near?: string): never => {
    throw new InputError([{ path, message, nearest: near }]);
  };
  if (found === null) {
    return refuse("Expected a file of pairs but found none.", await nearestName(path));
  }
  if (found === "folder") return refuse("Expected a file of pairs but found a folder.");
  if (found.length === 0) return refuse("Expected rows of pairs but found an empty file.");
  const startsWith = (bytes: readonly number[]) => bytes.every((byte, i) => found[i] === byte);
  const table = startsWith(PARQUET);
  const packed = startsWith(GZIP);
  if (kind === "parquet" && !table) {
    refuse(
      packed
        ? "Expected a Parquet file but found gzip data; name it .jsonl.gz if it holds JSON lines."
        : "Expected a Parquet file but found other bytes.",
    );
  }
  if (kind === "lines" && table) {
    refuse("Expected JSON lines but found a Parquet file; name it .parquet.");
  }
  if (kind === "lines" && packed && !path.endsWith(".gz")) {
    refuse("Expected JSON lines but found gzip data; name it .jsonl.gz.");
  }
  return kind;
}

/** `PAR1`. */
const PARQUET = [0x50, 0x41, 0x52, 0x31];
const GZIP = [0x1f, 0x8b];

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
