import { z } from "../../core/zod.ts";
import { digestFile } from "../../core/digest.ts";
import { ExpectedError } from "../../core/problem.ts";
import { encodeName, keyPlace, objectPlace } from "../store/names.ts";
import { formatKeyRecord, type KeyRecord, parseObject } from "../store/records.ts";
import { ARTIFACT_FILE } from "../store/seal_folder.ts";
import type { Store } from "../store/store.ts";
import type { ObjectSource, ObjectTarget } from "./object_source.ts";
import { gives, outputsOf, portTypes, type StageOutputs } from "./port_types.ts";
import { receiveKey, receiveObject, type ReceiveOptions, receiveRecord } from "./receive.ts";
import { SilenceError } from "./silence.ts";

/** The keys of a run, as a cache lists them for whoever has no plan to ask by. */
export interface KeyList {
  readonly recipe: string;
  readonly instances: readonly { readonly id: string; readonly key: string }[];
}

/** What a transfer came to. */
export interface Transferred {
  /** Keys that both sides have now. */
  readonly keys: readonly string[];
  /** Keys that the source lacks, or whose objects it lacks. */
  readonly missing: readonly string[];
  /** Objects and bytes that were moved. */
  readonly objects: number;
  readonly bytes: number;
}

const LARGEST_LIST = 64 * 2 ** 20;

const keyList = z.strictObject({
  recipe: z.string(),
  instances: z.array(z.strictObject({ id: z.string(), key: z.string().regex(/^[0-9a-f]{64}$/) })),
});

/** Where the list of a recipe's last pushed run lies. */
function listPath(recipe: string): string {
  return `recipes/${encodeName(recipe)}.json`;
}

/** Sends a run: what is there is not sent again; files before their list, objects before the key. */
export async function pushKeys(
  target: ObjectTarget,
  { recipe, instances }: KeyList,
  store: Store,
): Promise<Transferred> {
  const sent = { keys: [] as string[], objects: 0, bytes: 0 };
  for (const key of new Set(instances.map(({ key }) => key))) {
    const record = store.readKey(key);
    if (record === null) throw new ExpectedError(`${store.path} has no record of the key ${key}.`);
    for (const output of Object.values(record.outputs)) {
      const bytes = await pushObject(target, output, store);
      if (bytes !== null) {
        sent.objects++;
        sent.bytes += bytes;
      }
    }
    if (!await hasKey(target, record)) {
      await target.writeText(keyPlace(key), formatKeyRecord(record));
    }
    sent.keys.push(key);
  }
  await target.writeText(listPath(recipe), `${JSON.stringify({ recipe, instances })}\n`);
  return { ...sent, missing: [] };
}

async function hasKey(target: ObjectTarget, record: KeyRecord): Promise<boolean> {
  const { key, stage, outputs } = record;
  try {
    return await receiveKey(target, key, { [stage]: portTypes(outputs) }) !== null;
  } catch (error) {
    if (isDamage(error)) return false; // it is written anew
    throw error;
  }
}

/** What a cache says of what is damaged there; one that says nothing may have it whole. */
function isDamage(error: unknown): boolean {
  return error instanceof ExpectedError && !(error instanceof SilenceError);
}

/** Bytes that were sent; null when the object is there. */
async function pushObject(
  target: ObjectTarget,
  { digest, type }: { readonly digest: string; readonly type: string },
  store: Store,
): Promise<number | null> {
  const there = await receiveRecord(target, { digest, type }, Infinity).catch((error) => {
    if (isDamage(error)) return null;
    throw error;
  });
  if (there !== null) return null;
  const record = store.readArtifact(digest);
  const folder = store.objectPath(digest);
  if (record === null) throw new ExpectedError(`${folder} is not whole; \`verify\` tells.`);
  for (const { path, size, sha256 } of record.files) {
    const file = `${folder}/${path}`;
    if ((await digestFile(file)).sha256 !== sha256) {
      throw new ExpectedError(`${file} has changed since it was written; it is not sent.`);
    }
    await target.writeFile(`${objectPlace(digest)}/${path}`, file, size);
  }
  await target.writeText(
    `${objectPlace(digest)}/${ARTIFACT_FILE}`,
    await Deno.readTextFile(`${folder}/${ARTIFACT_FILE}`),
  );
  return record.bytes;
}

/** The keys of a recipe's run that was pushed last; null when none was. */
export async function receiveList(source: ObjectSource, recipe: string): Promise<KeyList | null> {
  const path = listPath(recipe);
  const text = await source.readText(path, LARGEST_LIST);
  if (text === null) return null;
  const { data } = keyList.safeParse(parseObject(text));
  if (data?.recipe === recipe) return data;
  throw new ExpectedError(`${source.name}/${path} is no list of the keys of ${recipe}.`);
}

/**
 * Takes the results of keys into a store, each whole and held to its digests (`receiveObject`); those that the
 * source lacks are left out.
 *
 * @throws ExpectedError for anything that is not what it should be; keys before it stay
 */
export async function pullKeys(
  source: ObjectSource,
  keys: readonly string[],
  options: ReceiveOptions & { readonly store: Store },
): Promise<Transferred> {
  const { store, stages = {} } = options;
  const taken = { keys: [] as string[], missing: [] as string[], objects: 0, bytes: 0 };
  for (const key of new Set(keys)) {
    const own = store.readKey(key);
    if (own !== null && isWhole(own, store, stages)) {
      taken.keys.push(key);
      continue;
    }
    const record = await receiveKey(source, key, stages);
    const bytes = record === null ? null : await pullOutputs(source, record, options);
    if (record === null || bytes === null) taken.missing.push(key);
    else {
      await store.adoptKey(record);
      taken.keys.push(key);
      taken.objects += bytes.filter((count) => count > 0).length;
      taken.bytes += bytes.reduce((sum, count) => sum + count, 0);
    }
  }
  return taken;
}

function isWhole(record: KeyRecord, store: Store, stages: StageOutputs): boolean {
  const expected = outputsOf(record.stage, stages);
  if (expected !== null && !gives(record, expected)) return false;
  return Object.values(record.outputs).every(({ digest }) => store.hasObject(digest));
}

async function pullOutputs(
  source: ObjectSource,
  { outputs }: KeyRecord,
  options: ReceiveOptions & { readonly store: Store },
): Promise<number[] | null> {
  const bytes: number[] = [];
  for (const output of Object.values(outputs)) {
    const count = await receiveObject(source, output, options);
    if (count === null) return null;
    bytes.push(count);
  }
  return bytes;
}
