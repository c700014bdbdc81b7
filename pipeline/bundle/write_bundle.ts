import { digestFile, sha256 } from "../../core/digest.ts";
import { canonicalJson } from "../../core/json.ts";
import { ExpectedError } from "../../core/problem.ts";
import { naming, writeAll } from "../../core/write_atomically.ts";
import { type BundleManifest, MANIFEST_FILE } from "./manifest.ts";
import { packTar, type TarMember } from "./tar.ts";

/** A member before it is packed: a text, or a file to read. */
export type BundleMember =
  & { readonly path: string }
  & ({ readonly text: string } | { readonly file: string });

/** What a bundle is made of. */
export interface BundleContent {
  readonly manifest: Omit<BundleManifest, "members">;
  readonly members: readonly BundleMember[];
  /** Values that may stand in no member, by the names of what they are. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** Files that are searched for secrets as a whole; larger ones are weights. */
const SEARCHED_BYTES = 64 * 2 ** 20;

/**
 * Writes an archive (`.tar.gz`): `bundle.json` first, then all members in code-unit order of their paths.
 * Equal content gives equal bytes. It is written beside its place and renamed.
 *
 * @returns its size in bytes, and how many members it has
 * @throws ExpectedError naming a member that holds a secret, or that the format cannot hold
 */
export async function writeBundle(
  path: string,
  { manifest, members, secrets }: BundleContent,
): Promise<{ bytes: number; members: number }> {
  const sorted = members.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const listed = [];
  for (const member of sorted) listed.push(await describe(member, secrets));
  const head = `${canonicalJson({ ...manifest, members: listed })}\n`;
  const texts: BundleMember[] = [{ path: MANIFEST_FILE, text: head }, ...sorted];
  return await naming(path, async () => {
    const temporary = `${path}.part`;
    try {
      const archive = ReadableStream.from(packTar(open(texts)))
        .pipeThrough(new CompressionStream("gzip"));
      using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
      for await (const piece of archive) await writeAll(file, piece);
      await file.sync();
      const { size } = await file.stat();
      await Deno.rename(temporary, path);
      return { bytes: size, members: texts.length };
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
  });
}

async function describe(member: BundleMember, secrets: ReadonlyMap<string, string>) {
  const { path } = member;
  if ("text" in member) {
    const bytes = new TextEncoder().encode(member.text);
    refuseSecrets(path, bytes, secrets);
    return { path, size: bytes.length, sha256: sha256(bytes) };
  }
  const { size, sha256: digest } = await digestFile(member.file);
  if (size <= SEARCHED_BYTES) refuseSecrets(path, await Deno.readFile(member.file), secrets);
  return { path, size, sha256: digest };
}

function refuseSecrets(path: string, bytes: Uint8Array, secrets: ReadonlyMap<string, string>) {
  if (secrets.size === 0) return;
  const text = new TextDecoder("latin1").decode(bytes);
  for (const [name, value] of secrets) {
    if (text.includes(value)) {
      throw new ExpectedError(`${path} holds the value of ${name}; no bundle is written.`);
    }
  }
}

async function* open(members: readonly BundleMember[]): AsyncGenerator<TarMember> {
  for (const member of members) {
    const name = member.path;
    if ("text" in member) {
      const bytes = new TextEncoder().encode(member.text);
      yield { name, size: bytes.length, content: ReadableStream.from([bytes]) };
    } else {
      const file = await Deno.open(member.file, { read: true });
      const { size } = await file.stat();
      yield { name, size, content: file.readable };
    }
  }
}
