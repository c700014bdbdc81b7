import { join } from "node:path";
import { digestFile, digestJson } from "../core/digest.ts";
import { InputError } from "../core/problem.ts";
import type { DigestMemory } from "./code_digest.ts";
import type { Instance } from "./instance.ts";

/** Digest of what the parameter of an instance names: a module's tokens, or any other content. */
export async function sourceDigest(
  { paths, modules }: Pick<Instance, "paths" | "modules">,
  name: string,
  memory: DigestMemory,
): Promise<string> {
  if (!Object.hasOwn(modules, name)) return await contentDigest(paths[name], memory);
  const { moduleDigest } = await import("./module_source.ts");
  return await moduleDigest(paths[name], memory);
}

/**
 * Digest of what a file or folder outside the store holds: of a file its bytes, of a folder the
 * names and bytes of all files in it, links followed. Names that start with a dot are passed over.
 *
 * @throws InputError naming a path that cannot be read, or a folder that a link makes part of itself
 */
export async function contentDigest(path: string, memory: DigestMemory): Promise<string> {
  try {
    if (!(await Deno.stat(path)).isDirectory) return await fileDigest(path, memory);
    const entries: [string, string][] = [];
    await collect({ path, prefix: "", above: [] }, entries, memory);
    return digestJson(Object.fromEntries(entries));
  } catch (error) {
    throw explained(error, path);
  }
}

interface Folder {
  readonly path: string;
  /** Before the names of its files. */
  readonly prefix: string;
  /** The folders it lies in, links resolved. */
  readonly above: readonly string[];
}

async function collect(
  { path, prefix, above }: Folder,
  entries: [string, string][],
  memory: DigestMemory,
): Promise<void> {
  const real = await Deno.realPath(path);
  if (above.includes(real)) {
    throw new InputError([{ path, message: `A link makes the folder ${real} part of itself.` }]);
  }
  for await (const { name } of Deno.readDir(path)) {
    if (name.startsWith(".")) continue;
    const inner = join(path, name);
    try {
      if ((await Deno.stat(inner)).isDirectory) {
        const folder = { path: inner, prefix: `${prefix}${name}/`, above: [...above, real] };
        await collect(folder, entries, memory);
      } else entries.push([`${prefix}${name}`, await fileDigest(inner, memory)]);
    } catch (error) {
      throw explained(error, inner);
    }
  }
}

/** What the operating system refuses is the person's to mend; the rest is ours. */
function explained(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof InputError) return error;
  if (!("code" in error) && !(error instanceof Deno.errors.NotCapable)) return error;
  return new InputError([{ path, message: `Cannot be read: ${error.message}.` }]);
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
