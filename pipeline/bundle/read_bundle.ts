import { dirname, join } from "node:path";
import { StreamingDigest } from "../../core/digest.ts";
import { ExpectedError } from "../../core/problem.ts";
import { writeAll } from "../../core/write_atomically.ts";
import { pathFaults } from "../plain_path.ts";
import { parseObject } from "../store/records.ts";
import { BUNDLE_FORMAT, type BundleManifest, MANIFEST_FILE, manifestSchema } from "./manifest.ts";
import { type TarMember, unpackTar } from "./tar.ts";

/** Bytes of the largest `bundle.json` that is read. */
const LARGEST_MANIFEST = 256 * 2 ** 20;

/**
 * Unpacks a bundle into an empty folder. What `bundle.json` names is there afterwards, in the sizes and with
 * the SHA-256 that it names, and nothing else; before it was read and found to be whole, nothing is written.
 *
 * @param limit bytes that it may unpack to
 * @throws ExpectedError naming the archive and the first thing that is wrong with it
 */
export async function readBundle(
  path: string,
  { folder, limit }: { readonly folder: string; readonly limit: number },
): Promise<BundleManifest> {
  try {
    using file = await Deno.open(path, { read: true });
    const members = unpackTar(file.readable.pipeThrough(new DecompressionStream("gzip")));
    const manifest = await readManifest(await members.next(), limit);
    for (const listed of manifest.members) {
      const { done, value } = await members.next();
      if (done) throw new ExpectedError(`The archive lacks ${listed.path}.`);
      await unpack(value, { folder, listed });
    }
    const { done, value } = await members.next();
    if (!done) throw new ExpectedError(`The archive holds ${value.name}, which it does not name.`);
    return manifest;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new ExpectedError(`There is no file ${path}.`);
    if (error instanceof ExpectedError) throw refused(path, error.message, error);
    // What cannot be decompressed ends in a TypeError, as the standard says.
    if (error instanceof TypeError) throw refused(path, "It is no gzip, or was cut short.", error);
    throw error;
  }
}

function refused(path: string, why: string, cause: unknown): ExpectedError {
  return new ExpectedError(`${path} is no bundle that can be used. ${why}`, { cause });
}

async function readManifest(
  first: IteratorResult<TarMember>,
  limit: number,
): Promise<BundleManifest> {
  if (first.done || first.value.name !== MANIFEST_FILE) {
    throw new ExpectedError(`Expected ${MANIFEST_FILE} to come first.`);
  }
  const { size, content } = first.value;
  if (size > Math.min(limit, LARGEST_MANIFEST)) {
    throw new ExpectedError(`${MANIFEST_FILE} has ${size} bytes, more than is read.`);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  const value = parseObject(new TextDecoder().decode(await new Blob(pieces as BlobPart[]).bytes()));
  if (value?.format !== undefined && value.format !== BUNDLE_FORMAT) {
    throw new ExpectedError(
      `It has format ${value.format}, and this version reads ${BUNDLE_FORMAT}: update Ballast.`,
    );
  }
  const { data, error } = manifestSchema.safeParse(value);
  if (error) {
    const [{ path, message }] = error.issues;
    throw new ExpectedError(`${MANIFEST_FILE} is not of its form: ${path.join(".")}: ${message}.`);
  }
  const [fault] = pathFaults(data.members.map(({ path }) => path));
  if (fault !== undefined) throw new ExpectedError(`${MANIFEST_FILE}: ${fault}.`);
  const total = data.members.reduce((sum, { size }) => sum + size, 0);
  if (total > limit) {
    throw new ExpectedError(`It unpacks to ${total} bytes, more than the ${limit} of --limit.`);
  }
  return data;
}

async function unpack(
  { name, size, content }: TarMember,
  { folder, listed }: { folder: string; listed: BundleManifest["members"][number] },
): Promise<void> {
  if (name !== listed.path || size !== listed.size) {
    throw new ExpectedError(
      `Expected ${listed.path} (${listed.size} bytes) but found ${name} (${size} bytes).`,
    );
  }
  const target = join(folder, ...name.split("/"));
  await Deno.mkdir(dirname(target), { recursive: true });
  using file = await Deno.open(target, { write: true, createNew: true });
  const hash = new StreamingDigest();
  for await (const piece of content) {
    hash.update(piece);
    await writeAll(file, piece);
  }
  if (hash.hex() !== listed.sha256) {
    throw new ExpectedError(`${name} has other bytes than ${MANIFEST_FILE} says.`);
  }
}
