import { dirname, join } from "node:path";
import { z } from "../../core/zod.ts";
import { digestFile } from "../../core/digest.ts";
import { isMissing, naming } from "../../core/write_atomically.ts";
import { type KeyFields, keyOf } from "../fingerprint.ts";
import { pathFaults } from "../plain_path.ts";
import { keyPlace, objectPlace } from "../store/names.ts";
import {
  type ArtifactRecord,
  type KeyRecord,
  parseKeyRecord,
  parseObject,
} from "../store/records.ts";
import { ARTIFACT_FILE } from "../store/seal_folder.ts";
import { removeTree, type Store } from "../store/store.ts";
import type { ObjectSource } from "./object_source.ts";
import { gives, outputsOf, type PortTypes, portTypes, type StageOutputs } from "./port_types.ts";
import { receiveFile, refused, sizeOf } from "./receive_file.ts";

/** Bytes of the largest key record and list of files that are read. */
const LARGEST_RECORD = 64 * 2 ** 20;

/** How what arrives is held to account. */
export interface ReceiveOptions {
  /** The logical digest of a folder that holds an artifact of a type. */
  readonly digestOf: (type: string, folder: string) => Promise<string>;
  /** Bytes that one object may have. */
  readonly limit: number;
  /** What the records of stages must give; those of others may give anything. */
  readonly stages?: StageOutputs;
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string();
const amount = z.number().min(0);
const axes = z.record(text, z.union([z.number(), text])).optional();

const keyRecord = z.looseObject({
  key: digest,
  stage: text,
  instance: text.min(1),
  recipe: text.regex(/^[a-z0-9][a-z0-9-]*$/),
  fields: z.looseObject({
    format: z.literal(1),
    stage: text,
    params: z.record(text, z.unknown()),
    sources: z.record(text, text),
    inputs: z.record(text, z.array(z.looseObject({ digest, from: text.optional(), axes }))),
    code: z.looseObject({ modules: z.record(text, text), packages: z.array(text) }),
    facts: z.record(text, text),
  }),
  outputs: z.record(
    text,
    z.looseObject({
      ...{ type: text, digest, bytes: amount },
      sizes: z.record(text, z.union([z.number(), text])).optional(),
    }),
  ),
  seconds: amount,
  work: z.looseObject({
    ...{
      amount,
      unit: text,
      perSecond: amount.nullable(),
      startSeconds: amount,
      like: text,
      scale: amount,
    },
    on: z.literal("gpu").optional(),
  }).optional(),
  peakMemoryBytes: amount.nullable(),
  finishedAt: z.iso.datetime(),
  host: z.strictObject({ isa: text, os: text, deno: text }),
  warnings: z.array(text),
  acceptedFrom: digest.optional(),
});

const artifactRecord = z.strictObject({
  type: text.min(1),
  digest,
  bytes: z.int().min(0),
  files: z.array(z.strictObject({ path: text, size: z.int().min(0), sha256: digest })).max(
    1_000_000,
  ),
});

/**
 * The record of a key from elsewhere; null when there is none.
 *
 * @param stages the outputs that it must have, by its stage
 * @throws ExpectedError for one that is damaged, of another form, whose fields have another digest than the
 *   key, or that has other outputs
 */
export async function receiveKey(
  source: ObjectSource,
  key: string,
  stages: StageOutputs = {},
): Promise<KeyRecord | null> {
  const path = keyPlace(key);
  const text = await source.readText(path, LARGEST_RECORD);
  if (text === null) return null;
  const record = parsed(text, key);
  if (typeof record === "string") throw refused(source, path, record);
  const { error } = keyRecord.safeParse(record);
  if (error) {
    const [{ path: where, message }] = error.issues;
    throw refused(source, path, `is not of its form: ${where.join(".")}: ${message}`);
  }
  const fields = record.fields as unknown as KeyFields;
  // A result that was kept for edited code has the fields of its own key too.
  if (keyOf(fields) !== key) throw refused(source, path, `has fields of the key ${keyOf(fields)}`);
  if (fields.stage !== record.stage) {
    throw refused(source, path, `is of stage ${record.stage} and has fields of ${fields.stage}`);
  }
  const expected = outputsOf(record.stage, stages);
  if (expected !== null && !gives(record, expected)) {
    const found = portsText(portTypes(record.outputs));
    throw refused(source, path, `has the outputs ${found}, not ${portsText(expected)}`);
  }
  return record;
}

function portsText(types: PortTypes): string {
  const ports = Object.entries(types).map(([port, type]) => `${port} (${type})`);
  return ports.length === 0 ? "none" : ports.join(", ");
}

function parsed(text: string, key: string): KeyRecord | string {
  try {
    return parseKeyRecord(text, key);
  } catch {
    return "is no JSON";
  }
}

/**
 * Takes an object from elsewhere into a store, file by file, each held to the SHA-256 of its list and the
 * whole to the digest that it goes by. What a cut left is gone on with: whole files are not fetched again,
 * and of a part the rest is. Does nothing when the object is there.
 *
 * @param source where it comes from
 * @param wanted its digest and type, as a key record names them
 * @returns bytes that were fetched; null when the source lacks it
 * @throws ExpectedError for anything that is not what it should be, of which nothing stays; for what is cut
 *   off, of which the part stays
 */
export async function receiveObject(
  source: ObjectSource,
  wanted: { readonly digest: string; readonly type: string },
  { store, digestOf, limit }: ReceiveOptions & { readonly store: Store },
): Promise<number | null> {
  if (store.hasObject(wanted.digest)) return 0;
  const record = await receiveRecord(source, wanted, limit);
  if (record === null) return null;
  const incoming = join(store.folder("incoming"), wanted.digest);
  return await naming(incoming, async () => {
    const folder = join(incoming, "files");
    await Deno.mkdir(folder, { recursive: true });
    await removeOthers(folder, new Set(record.files.map(({ path }) => path)));
    let fetched = 0;
    for (const [index, file] of record.files.entries()) {
      const whole = join(folder, ...file.path.split("/"));
      if (await hasBytes(whole, file)) continue;
      const part = join(incoming, `${index}.part`);
      const from = `${objectPlace(wanted.digest)}/${file.path}`;
      const added = await receiveFile(source, { from, part, file });
      if (added === null) return null;
      fetched += added;
      await Deno.mkdir(dirname(whole), { recursive: true });
      await Deno.rename(part, whole);
    }
    const found = await digestOf(wanted.type, folder).catch((error) => String(error));
    if (found !== wanted.digest) {
      await removeTree(incoming);
      throw refused(source, `${objectPlace(wanted.digest)}/`, `has the logical digest ${found}`);
    }
    await store.commitArtifact({ folder, ...wanted });
    await removeTree(incoming);
    return fetched;
  });
}

/** The list of an object's files; null when there is none. */
export async function receiveRecord(
  source: ObjectSource,
  wanted: { readonly digest: string; readonly type: string },
  limit: number,
): Promise<ArtifactRecord | null> {
  const path = `${objectPlace(wanted.digest)}/${ARTIFACT_FILE}`;
  const text = await source.readText(path, LARGEST_RECORD);
  if (text === null) return null;
  const { data, error } = artifactRecord.safeParse(parseObject(text));
  if (error) {
    const [{ path: where, message }] = error.issues;
    throw refused(source, path, `is not of its form: ${where.join(".")}: ${message}`);
  }
  if (data.digest !== wanted.digest || data.type !== wanted.type) {
    throw refused(source, path, `is of ${data.type} ${data.digest}`);
  }
  const paths = data.files.map((file) => file.path);
  const [fault] = [
    ...pathFaults(paths),
    ...(paths.includes(ARTIFACT_FILE) ? [`${ARTIFACT_FILE} cannot be one of its files`] : []),
  ];
  if (fault !== undefined) throw refused(source, path, `names files in vain: ${fault}`);
  const bytes = data.files.reduce((sum, { size }) => sum + size, 0);
  if (bytes !== data.bytes) throw refused(source, path, `counts ${data.bytes} bytes, not ${bytes}`);
  if (bytes > limit) {
    throw refused(source, path, `has ${bytes} bytes, more than the ${limit} of --limit`);
  }
  return data;
}

async function hasBytes(path: string, { size, sha256 }: { size: number; sha256: string }) {
  if (await sizeOf(path) !== size) return false;
  try {
    return (await digestFile(path)).sha256 === sha256;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Removes what an earlier attempt left that does not belong to the object. */
async function removeOthers(folder: string, known: ReadonlySet<string>): Promise<void> {
  const walk = async (inner: string) => {
    for (const entry of [...Deno.readDirSync(join(folder, inner))]) {
      const path = inner === "" ? entry.name : `${inner}/${entry.name}`;
      if (entry.isDirectory) await walk(path);
      else if (!known.has(path)) await Deno.remove(join(folder, path));
    }
  };
  await walk("");
}
