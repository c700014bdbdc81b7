import { join } from "node:path";
import type { ArtifactType } from "./artifact.ts";
import type { Progress } from "./stage.ts";
import { checkObject } from "./store/check_object.ts";
import { isDigest } from "./store/names.ts";
import { parseKeyRecord, parseObject } from "./store/records.ts";
import { listFiles } from "./store/seal_folder.ts";
import type { Store } from "./store/store.ts";
import { readTextIfThere } from "../core/write_atomically.ts";

/** Something in a store that is not as it was written. */
export interface Damage {
  readonly kind: "object" | "key" | "instance" | "run" | "stray";
  /** Relative to the store: `objects/3f/3f2a…`. */
  readonly path: string;
  /** What is wrong, each in a few words: `pairs.jsonl is missing`. */
  readonly faults: readonly string[];
  /** Where `repair` moved it, relative to the store; `null` when it was left where it is. */
  readonly movedTo: string | null;
}

/** What a check of a store found. */
export interface Verification {
  readonly objects: number;
  readonly keys: number;
  readonly runs: number;
  /** Bytes read and hashed. */
  readonly bytes: number;
  readonly damages: readonly Damage[];
  /** Keys whose outputs are not all in the store: their instances run again when next needed. */
  readonly incompleteKeys: readonly string[];
}

/** How thorough a check is, and what it may change. */
export interface VerifyOptions {
  /** Recomputes logical digests too, with the types named here. */
  readonly types?: ReadonlyMap<string, ArtifactType>;
  /** Moves what is damaged to `quarantine/`, so that the next run makes it again. Takes the lock. */
  readonly repair?: boolean;
  /** Makes the catalog again from keys, objects and runs. */
  readonly rebuild?: boolean;
  readonly progress?: (progress: Progress) => void;
}

/**
 * Reads all of a store and compares every byte with what was recorded when it was written.
 * Streams through the files, so that memory does not grow with the store.
 *
 * @throws ExpectedError when it is to repair and another process holds the store
 */
export async function verifyStore(
  store: Store,
  options: VerifyOptions = {},
): Promise<Verification> {
  if (!store.exists()) {
    return { objects: 0, keys: 0, runs: 0, bytes: 0, damages: [], incompleteKeys: [] };
  }
  using _lock = options.repair ? await store.lock() : null;
  const found: Omit<Damage, "movedTo">[] = [];
  const { objects, bytes, damaged } = await checkObjects(store, options, found);
  const { keys, incompleteKeys } = checkKeys(store, { damaged, ...options }, found);
  checkInstances(store, found);
  const runs = checkRuns(store, found);
  const damages = await Promise.all(found.map(async (damage) => ({
    ...damage,
    movedTo: options.repair ? await quarantine(store, damage.path) : null,
  })));
  if (options.rebuild) await (await import("./store/catalog.ts")).rebuildCatalog(store);
  return { objects, keys, runs, bytes, damages, incompleteKeys };
}

type Found = Omit<Damage, "movedTo">[];

async function checkObjects(store: Store, options: VerifyOptions, found: Found) {
  const total = countIn(store.walkObjects());
  const damaged = new Set<string>();
  let [objects, bytes] = [0, 0];
  for (const path of strays(store, "objects")) {
    found.push({ kind: "stray", path, faults: ["is no object"] });
  }
  for (const shard of store.walkObjects()) {
    for (const digest of shard) {
      options.progress?.({ done: objects, total, unit: "objects" });
      objects++;
      const result = await checkObject(store.objectPath(digest), digest, options.types);
      bytes += result.bytes;
      if (result.faults.length === 0) continue;
      damaged.add(digest);
      const path = relative(store, store.objectPath(digest));
      found.push({ kind: "object", path, faults: result.faults });
    }
  }
  options.progress?.({ done: objects, total, unit: "objects" });
  return { objects, bytes, damaged };
}

interface KeysToCheck extends Pick<VerifyOptions, "progress"> {
  /** Objects that were found not to be as written. */
  readonly damaged: ReadonlySet<string>;
}

function checkKeys(store: Store, { damaged, progress }: KeysToCheck, found: Found) {
  const isThere = (digest: string) =>
    damaged.has(digest)
      ? store.hasObject(digest)
      : statIfThere(store.objectPath(digest))?.isDirectory === true;
  const total = countIn(store.walkKeys());
  const incompleteKeys: string[] = [];
  for (const path of strays(store, "keys")) {
    found.push({ kind: "stray", path, faults: ["is no key record"] });
  }
  let keys = 0;
  for (const shard of store.walkKeys()) {
    for (const key of shard) {
      keys++;
      progress?.({ done: keys, total, unit: "keys" });
      const record = parseKeyRecord(readTextIfThere(store.keyPath(key)) ?? "", key);
      if (typeof record === "string") {
        found.push({ kind: "key", path: relative(store, store.keyPath(key)), faults: [record] });
      } else if (!Object.values(record.outputs).every(({ digest }) => isThere(digest))) {
        incompleteKeys.push(key);
      }
    }
  }
  return { keys, incompleteKeys };
}

/** How many digests there are, none of them held. */
function countIn(pieces: Iterable<readonly string[]>): number {
  let count = 0;
  for (const { length } of pieces) count += length;
  return count;
}

function checkInstances(store: Store, found: Found): void {
  const folder = store.folder("instances");
  if (statIfThere(folder) === null) return;
  for (const path of listFiles(folder)) {
    const value = parseObject(readTextIfThere(join(folder, path)));
    if (typeof value?.instance !== "string" || !isDigest(String(value.key))) {
      found.push({ kind: "instance", path: `instances/${path}`, faults: ["is damaged"] });
    }
  }
}

function checkRuns(store: Store, found: Found): number {
  const runs = store.listRuns();
  for (const run of runs) {
    if (store.readRun(run) === null) {
      found.push({ kind: "run", path: `runs/${run}.json`, faults: ["is damaged"] });
    }
  }
  return runs.length;
}

/** What lies in `objects/` or `keys/` without the name of one. */
function* strays(store: Store, part: "objects" | "keys"): Generator<string> {
  const ending = part === "keys" ? ".json" : "";
  const folder = store.folder(part);
  if (statIfThere(folder) === null) return;
  for (const shard of Deno.readDirSync(folder)) {
    if (!shard.isDirectory) yield `${part}/${shard.name}`;
    else {
      for (const { name } of Deno.readDirSync(join(folder, shard.name))) {
        const digest = name.slice(0, 64);
        const belongs = isDigest(digest) && name === digest + ending && name.startsWith(shard.name);
        if (!belongs) yield `${part}/${shard.name}/${name}`;
      }
    }
  }
}

async function quarantine(store: Store, path: string): Promise<string> {
  const name = path.replaceAll("/", "-");
  await Deno.mkdir(store.folder("quarantine"), { recursive: true });
  for (let number = 1;; number++) {
    const target = `quarantine/${name}${number === 1 ? "" : `-${number}`}`;
    if (statIfThere(join(store.path, target)) !== null) continue;
    await Deno.rename(join(store.path, path), join(store.path, target));
    return target;
  }
}

function statIfThere(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function relative(store: Store, path: string): string {
  return path.slice(store.path.length + 1);
}
