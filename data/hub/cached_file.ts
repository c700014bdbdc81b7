import { createHash } from "node:crypto";
import { join } from "node:path";
import { readJsonIfThere } from "../../core/json_file.ts";
import { writeAtomically } from "../../core/write_atomically.ts";
import type { HubFile, Repository } from "./repository.ts";

/** What is known of a file whose content was found to be what the listing says. */
interface Mark {
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number | null;
  readonly digest: string;
}

/** Where a file of a repository lies in the cache. */
export function cachedPath({ folder }: Repository, { path }: HubFile): string {
  return join(folder, path);
}

/**
 * Whether the cache holds a file as it was listed. Its digest is worked out once and then known by a mark
 * beside the repository's folder, for as long as the file keeps its size and its time of change; so what
 * was put there by hand, or was changed, is not taken on trust.
 */
export async function stateOf(
  repository: Repository,
  file: HubFile,
): Promise<"whole" | "differs" | "absent"> {
  const path = cachedPath(repository, file);
  const found = await markOf(path, file);
  if (found === null) return "absent";
  if (found.size !== file.size) return "differs";
  const known = await readJsonIfThere<Mark>(markPath(repository, file));
  if (
    known?.size === found.size && known.modified === found.modified &&
    known.digest === file.digest.hex
  ) return "whole";
  if ((await digestContent(path, file)).hex !== file.digest.hex) return "differs";
  await writeAtomically(markPath(repository, file), JSON.stringify(found));
  return "whole";
}

/** Notes that a file in the cache was found to be what the listing says. */
export async function markWhole(repository: Repository, file: HubFile): Promise<void> {
  const mark = await markOf(cachedPath(repository, file), file);
  await writeAtomically(markPath(repository, file), JSON.stringify(mark));
}

/** A file's size in bytes, and its digest by the listing's algorithm. */
export async function digestContent(
  path: string,
  { digest: { algorithm }, size: listed }: HubFile,
): Promise<{ size: number; hex: string }> {
  const hash = createHash(algorithm === "sha256" ? "sha256" : "sha1");
  if (algorithm === "git-sha1") hash.update(`blob ${listed}\0`);
  let size = 0;
  using source = await Deno.open(path, { read: true });
  const block = new Uint8Array(1 << 20);
  for (let count = await source.read(block); count !== null; count = await source.read(block)) {
    hash.update(block.subarray(0, count));
    size += count;
  }
  return { size, hex: hash.digest("hex") };
}

function markPath({ folder }: Repository, { path }: HubFile): string {
  return join(`${folder}.verified`, `${path}.json`);
}

/** The mark that a file would get if its content were right; null for none. */
async function markOf(path: string, { digest }: HubFile): Promise<Mark | null> {
  try {
    const { size, mtime, isFile } = await Deno.stat(path);
    return isFile ? { size, modified: mtime && mtime.getTime(), digest: digest.hex } : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
