import { join } from "node:path";
import { digestJson, sha256 } from "../../core/digest.ts";
import type { Json } from "../../core/json.ts";
import { type KeyFields, keyOf } from "../../pipeline/fingerprint.ts";
import { encodeName } from "../../pipeline/store/names.ts";
import { formatKeyRecord, type KeyRecord } from "../../pipeline/store/records.ts";
import type { Store } from "../../pipeline/store/store.ts";

/** Stages of a chain: each reads what the one before gave. */
export const CHAIN = 10;

/** Modules that a key names: about as many as a stage of this project reaches. */
const MODULES = 60;

const RECIPE = "fabricated";

/** What a fabricated store holds. */
export interface Fabricated {
  /** Digests of all artifacts. */
  readonly objects: ReadonlySet<string>;
  readonly keys: ReadonlySet<string>;
  /** What nothing refers to, by digest or key: all that `gc` may remove. */
  readonly garbage: { readonly objects: ReadonlySet<string>; readonly keys: ReadonlySet<string> };
}

/**
 * Fills a store with small artifacts of the type `prompts` under their real digests, and with the keys
 * that they would have been made under, as long as real ones. The files are those that a run writes, but
 * no file is synced, which would take hours.
 *
 * Of four chains, the last instances of two are those that their recipe gave last; a third gave the same
 * first artifact as the chain before it, so that this one and its key are kept, and nothing else of it;
 * of the fourth nothing is.
 *
 * @param artifacts how many, a multiple of 4 · `CHAIN`
 */
export async function fabricateStore(store: Store, artifacts: number): Promise<Fabricated> {
  (await store.lock()).release(); // makes the folders and the marker
  const [objects, keys] = [new Set<string>(), new Set<string>()];
  const garbage = { objects: new Set<string>(), keys: new Set<string>() };
  const shards = new Set<string>();
  const chains = Math.ceil(artifacts / CHAIN);
  const instances = join(store.folder("instances"), encodeName(RECIPE));
  await Deno.mkdir(instances, { recursive: true });
  for (let chain = 0; objects.size < artifacts && chain < 2 * chains; chain++) {
    const kind = chain % 4;
    let input: string | null = null;
    for (let place = 0; place < CHAIN; place++) {
      const same = kind === 2 && place === 0; // gives what the chain before gave
      const text = `${
        JSON.stringify({ id: `${same ? chain - 1 : chain}-${place}`, prompt: "?" })
      }\n`;
      const object = writeObject(store, text, shards);
      objects.add(object.digest);
      const key = writeKey(store, { chain, place, input, object }, shards);
      keys.add(key);
      if (kind >= 2 && !same) {
        garbage.objects.add(object.digest);
        garbage.keys.add(key);
      }
      if (kind < 2 && place === CHAIN - 1) writeInstance(instances, chain, key);
      input = object.digest;
    }
  }
  return { objects, keys, garbage };
}

interface WrittenObject {
  readonly digest: string;
  readonly bytes: number;
}

function writeObject(store: Store, text: string, shards: Set<string>): WrittenObject {
  const file = { path: "prompts.jsonl", size: new TextEncoder().encode(text).length };
  const fileDigest = sha256(text);
  const digest = digestJson({ [file.path]: fileDigest });
  const folder = store.objectPath(digest);
  const record = {
    type: "prompts",
    digest,
    bytes: file.size,
    files: [{ ...file, sha256: fileDigest }],
  };
  makeShard(join(folder, ".."), shards);
  try {
    Deno.mkdirSync(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return { digest, bytes: file.size };
  }
  Deno.writeTextFileSync(join(folder, file.path), text, { mode: 0o444 });
  const manifest = `${JSON.stringify(record, null, 2)}\n`;
  Deno.writeTextFileSync(join(folder, "artifact.json"), manifest, { mode: 0o444 });
  return { digest, bytes: file.size };
}

interface MadeKey {
  readonly chain: number;
  readonly place: number;
  readonly input: string | null;
  readonly object: WrittenObject;
}

function writeKey(store: Store, made: MadeKey, shards: Set<string>): string {
  const fields = fieldsOf(made);
  const record: KeyRecord = {
    key: keyOf(fields),
    stage: fields.stage,
    instance: `${fields.stage}@seed=${made.chain}`,
    recipe: RECIPE,
    fields: fields as unknown as Json,
    outputs: { prompts: { type: "prompts", ...made.object } },
    seconds: 1,
    peakMemoryBytes: 1 << 27,
    finishedAt: "2026-01-02T03:04:05.000Z",
    host: { isa: "x86-64", os: "linux", deno: "2.9.6" },
    warnings: [],
  };
  const path = store.keyPath(record.key);
  makeShard(join(path, ".."), shards);
  Deno.writeTextFileSync(path, formatKeyRecord(record));
  return record.key;
}

function fieldsOf({ chain, place, input }: MadeKey): KeyFields {
  const modules = Array.from(
    { length: MODULES },
    (_, i) => [`stages/module_${place}_${i}.ts`, MODULE_DIGESTS[i]],
  );
  return {
    format: 1,
    stage: `step-${place}`,
    params: { seed: chain, place },
    sources: {},
    inputs: input === null ? {} : { prompts: [{ digest: input }] },
    code: { modules: Object.fromEntries(modules), packages: ["zod@4.6.7"] },
    facts: {},
  };
}

const MODULE_DIGESTS = Array.from({ length: MODULES }, (_, i) => sha256(`module ${i}`));

function writeInstance(folder: string, chain: number, key: string): void {
  const instance = `step-${CHAIN - 1}@seed=${chain}`;
  const text = `${JSON.stringify({ instance, key })}\n`;
  Deno.writeTextFileSync(join(folder, `${encodeName(instance)}.json`), text);
}

function makeShard(folder: string, shards: Set<string>): void {
  if (shards.has(folder)) return;
  Deno.mkdirSync(folder, { recursive: true });
  shards.add(folder);
}
