import { join } from "node:path";
import { digestFile, digestJson } from "../core/digest.ts";
import type { DigestMemory } from "./code_digest.ts";

/**
 * Digest of what a file or folder outside the store holds: of a file its bytes, of a folder the
 * names and bytes of all files in it. Names that start with a dot are passed over.
 */
export async function contentDigest(path: string, memory: DigestMemory): Promise<string> {
  const { isDirectory } = await Deno.stat(path);
  if (!isDirectory) return await fileDigest(path, memory);
  const entries: [string, string][] = [];
  await collect(path, "", entries, memory);
  return digestJson(Object.fromEntries(entries));
}

async function collect(
  folder: string,
  prefix: string,
  entries: [string, string][],
  memory: DigestMemory,
): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory) await collect(path, `${prefix}${entry.name}/`, entries, memory);
    else entries.push([`${prefix}${entry.name}`, await fileDigest(path, memory)]);
  }
}

async function fileDigest(path: string, memory: DigestMemory): Promise<string> {
  const { size, mtime } = await Deno.stat(path);
  const time = mtime?.getTime() ?? 0;
  const known = memory.get(path);
  if (known !== undefined && known.size === size && known.mtime === time) return known.digest;
  const { sha256 } = await digestFile(path);
  memory.set(path, { size, mtime: time, digest: sha256 });
  return sha256;
}
