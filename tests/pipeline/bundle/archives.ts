import { join } from "node:path";
import { sha256 } from "../../../core/digest.ts";
import { BUNDLE_FORMAT } from "../../../pipeline/bundle/manifest.ts";
import { packTar } from "../../../pipeline/bundle/tar.ts";

/** A file of an archive under test. */
export interface Entry {
  readonly name: string;
  readonly text: string;
}

/** A manifest that names these files rightly, with some of it changed. */
export function manifestOf(entries: readonly Entry[], over: Record<string, unknown> = {}): Entry {
  const members = entries.map(({ name, text }) => ({
    path: name,
    size: new TextEncoder().encode(text).length,
    sha256: sha256(text),
  }));
  const fields = { ballast: "0", recipe: "toy", run: "0001", set: [], sweep: [], revision: null };
  const manifest = {
    format: BUNDLE_FORMAT,
    ...fields,
    code: sha256(""),
    instances: [],
    objects: [],
  };
  return { name: "bundle.json", text: JSON.stringify({ ...manifest, members, ...over }) };
}

/** The bytes of an uncompressed archive. */
export async function tarOf(entries: readonly Entry[]): Promise<Uint8Array<ArrayBuffer>> {
  const members = entries.map(({ name, text }) => {
    const bytes = new TextEncoder().encode(text);
    return { name, size: bytes.length, content: ReadableStream.from([bytes]) };
  });
  const archive = ReadableStream.from(packTar(ReadableStream.from(members)));
  return await new Response(archive).bytes();
}

/** Writes bytes, compressed, as a file of a folder; returns its path. */
export async function gzipTo(folder: string, tar: Uint8Array<ArrayBuffer>): Promise<string> {
  const path = join(folder, "bundle.tar.gz");
  const stream = new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"));
  await Deno.writeFile(path, stream);
  return path;
}
